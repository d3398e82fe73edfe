"""Reads the moments that people type: “tomorrow 08:00”, “Fri 8:00”, “2026-12-01 08:00”, in the class's time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.errors import InvalidInput
from core.text import one_line

EXAMPLES = "Say it like “tomorrow 08:00”, “Fri 8:00” or “2026-12-01 08:00”."

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*([ap])\.?m\.?|(\d{1,2}):(\d{2})(?::00)?(?:\s*uhr|h)?")
_FROM_NOW = re.compile(r"in (\d{1,4}|an?) (minute|hour|day|week)s?")
_ISO_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DOTTED_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})?")
_DAY_MONTH = re.compile(r"(\d{1,2})\.? ([a-z]{3,9})\.?(?: (\d{4}))?")
_MONTH_DAY = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:,? (\d{4}))?")
_SHORTEST_NAME = 3  # letters: "Fri", "Dec"
_FARTHEST = timedelta(days=5 * 366)
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Moment:
    """An aware moment, and what has to be said about it where the clocks are changed then."""

    at: datetime
    note: str = ""


def read_moment(said: str, zone: ZoneInfo, now: datetime, *, past: bool = False) -> Moment:
    """Return the moment that is meant, in `zone`; `now` is aware.

    A weekday or a day without a year is the next such day, a time alone is its next occurrence. A time that the clocks
    skip is taken as much later as they skip, one that happens twice as its first, and `note` says so. With `past` a
    moment may be past that is said with its date. Raises `InvalidInput` for what is no moment, is past, or is more than
    five years off.
    """
    words = re.sub(r"\s*,\s*", " ", one_line(said, 80)).casefold().strip(" .")
    words = re.sub(r"(?<=\d)t(?=\d)", " ", words)
    now = now.astimezone(UTC)  # two moments of one zone would be compared by their wall clocks
    here = now.astimezone(zone)
    if relative := _FROM_NOW.fullmatch(words):
        count = int(relative[1]) if relative[1].isdigit() else 1
        moment = Moment((now + count * timedelta(**{f"{relative[2]}s": 1})).astimezone(zone))
    elif iso := _aware(words, zone):
        moment = Moment(iso)
    else:
        try:
            moment = _local(words, zone, here)
        except OverflowError as error:  # beyond the first or the last year of a calendar
            raise _unclear(words) from error
    if not past and moment.at.astimezone(UTC) <= now:
        raise InvalidInput(f"{say_moment(moment.at)} is past; it is {say_moment(here)} now.")
    if moment.at - now > _FARTHEST:
        raise InvalidInput("That is more than five years from now.")
    if now - moment.at > _FARTHEST:
        raise InvalidInput("That is more than five years ago.")
    return moment


def say_moment(at: datetime) -> str:
    """Write an aware moment out in the zone it is in: `Fri 4 December 2026, 08:00 CET`."""
    return f"{at:%a} {at.day} {at:%B %Y, %H:%M %Z}"


def _aware(words: str, zone: ZoneInfo) -> datetime | None:
    """Read an ISO moment that names its offset."""
    try:
        moment = datetime.fromisoformat(words.upper())
        return moment.astimezone(zone) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _local(words: str, zone: ZoneInfo, here: datetime) -> Moment:
    found = [each for each in _CLOCK.finditer(words) if _stands_alone(words, each)]
    if len(found) != 1:
        if _DOTTED_DAY.fullmatch(words) or _ISO_DAY.fullmatch(words) or words in ("today", "tomorrow", *_DAYS):
            raise InvalidInput(f"At what time? {EXAMPLES}")
        raise _unclear(words)
    clock = found[0]
    day_words = f"{words[: clock.start()]} {words[clock.end() :]}"
    day_words = re.sub(r"\b(?:at|on|um)\b", " ", day_words)
    day_words = re.sub(r"\s+", " ", day_words).strip(" ,")
    at = _time(words, clock)
    if day_words:
        day, repeats = _day(day_words, here.date(), words)
    else:
        day, repeats = here.date(), timedelta(days=1)
    moment = _in_zone(day, at, zone)
    if moment.at.astimezone(UTC) <= here.astimezone(UTC) and repeats:
        day = _next_year(day) if repeats > timedelta(days=_WEEK) else day + repeats
        moment = _in_zone(day, at, zone)
    return moment


def _stands_alone(words: str, clock: re.Match[str]) -> bool:
    before, after = words[: clock.start()], words[clock.end() :]
    return not re.search(r"[\w:.+-]$", before) and not re.match(r"[\w:+-]|\.\d", after)


def _time(words: str, clock: re.Match[str]) -> time:
    if clock[3]:
        hour, minute = int(clock[1]), int(clock[2] or 0)
        if not 1 <= hour <= 12:  # noqa: PLR2004  (a clock face)
            raise _unclear(words)
        hour = hour % 12 + (12 if clock[3] == "p" else 0)
    else:
        hour, minute = int(clock[4]), int(clock[5])
    try:
        return time(hour, minute)
    except ValueError as error:
        raise _unclear(words) from error


def _day(day: str, today: date, words: str) -> tuple[date, timedelta]:
    """Return the day, and after what time it comes again where that time of it is past already."""
    if day in ("today", "tomorrow"):
        return today + timedelta(days=day == "tomorrow"), timedelta()
    name = day.removeprefix("next ").removeprefix("this ").rstrip(".")
    if (weekday := _named(name, _DAYS)) is not None:
        ahead = timedelta(days=(weekday - today.weekday()) % _WEEK)
        if day.startswith("next ") and not ahead:
            ahead = timedelta(days=_WEEK)
        return today + ahead, timedelta(days=_WEEK)
    try:
        if iso := _ISO_DAY.fullmatch(day):
            return date(int(iso[1]), int(iso[2]), int(iso[3])), timedelta()
        number, month, year = _dated(day)
        if year:
            return date(year, month, number), timedelta()
        if (month, number) < (today.month, today.day):
            return date(today.year + 1, month, number), timedelta()
        return date(today.year, month, number), timedelta(days=365)
    except ValueError as error:
        raise _unclear(words) from error


def _dated(day: str) -> tuple[int, int, int | None]:
    """Read `1.12.`, `1 December 2026` or `Dec 1` as day, month, year. Raises `ValueError`."""
    if dotted := _DOTTED_DAY.fullmatch(day + ("" if day.count(".") > 1 else ".")):
        return int(dotted[1]), int(dotted[2]), int(dotted[3]) if dotted[3] else None
    if written := _DAY_MONTH.fullmatch(day):
        number, name, year = written[1], written[2], written[3]
    elif written := _MONTH_DAY.fullmatch(day):
        name, number, year = written[1], written[2], written[3]
    else:
        raise ValueError(day)
    month = _named(name, _MONTHS)
    if month is None:
        raise ValueError(name)
    return int(number), month + 1, int(year) if year else None


def _named(word: str, names: tuple[str, ...]) -> int | None:
    found = [index for index, name in enumerate(names) if len(word) >= _SHORTEST_NAME and name.startswith(word)]
    return found[0] if len(found) == 1 else None


def _next_year(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return day + timedelta(days=366)


def _in_zone(day: date, at: time, zone: ZoneInfo) -> Moment:
    """Place a wall-clock time, by PEP 495: `fold` tells the two readings apart, and a skipped time does not return."""
    first, second = (datetime.combine(day, at, zone).replace(fold=fold) for fold in (0, 1))
    back = first.astimezone(UTC).astimezone(zone)
    if back.replace(tzinfo=None) != first.replace(tzinfo=None):
        note = f"{at:%H:%M} does not exist on {day.day} {day:%B}: the clocks go forward. {back:%H:%M} is taken."
        return Moment(back, note)
    if first.utcoffset() != second.utcoffset():
        note = f"{at:%H:%M} happens twice on {day.day} {day:%B}: the clocks go back. The first is taken ({first:%Z})."
        return Moment(first, note)
    return Moment(first)


def _unclear(words: str) -> InvalidInput:
    return InvalidInput(f"I can't read “{one_line(words, 40)}” as a moment. {EXAMPLES}")
