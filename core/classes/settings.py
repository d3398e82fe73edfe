"""What a class's teachers may set: every setting declared once, with its type, its default and what it means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import exists, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.classes.models import Class
from core.content.models import LessonUnit
from core.errors import Conflict, InvalidInput, NotFound
from core.identity.permissions import require_teacher
from core.materials.models import Material
from core.text import clean, one_line

Value = str | int | bool

_LONGEST_TITLE = 300
_LONGEST_DESCRIPTION = 2000
_YES = frozenset({"yes", "true", "on", "1"})
_NO = frozenset({"no", "false", "off", "0"})
_NONE = frozenset({"none", "no", "off"})  # of something that is counted


class GradeAverage(StrEnum):
    """How the grades of a lesson or a module become one number."""

    WEIGHTED = "weighted"  # each assignment by its weight
    SIMPLE = "simple"  # each assignment alike


@dataclass(frozen=True, slots=True)
class ClassSetting:
    """A key of `classes.settings`, of its default's type. `options` are all it may be, `most` its highest number."""

    help: str
    default: Value
    options: tuple[str, ...] = ()
    most: int = 0

    def check(self, value: Value) -> Value:
        """Return a value in its type, from that type or from typed text. Raises `InvalidInput`."""
        word = one_line(str(value), 60).casefold()
        if isinstance(self.default, bool):
            if word in _YES | _NO:
                return word in _YES
            raise InvalidInput("This is yes or no.")
        if isinstance(self.default, int):
            if word in _NONE:
                return 0
            if word.isdecimal() and len(word) <= len(str(self.most)) and int(word) <= self.most:
                return int(word)
            raise InvalidInput(f"This is a whole number from 0 to {self.most}.")
        if word in self.options:
            return word
        raise InvalidInput(f"This is one of {', '.join(self.options)}.")


CLASS_SETTINGS: Mapping[str, ClassSetting] = {
    "grade_average": ClassSetting(
        "How grades are averaged: by the assignments' weights, or all alike",
        GradeAverage.WEIGHTED.value,
        options=tuple(GradeAverage),
    ),
    "missing_as_zero": ClassSetting("Whether work that is released as missing counts as zero", default=True),
    "drop_lowest": ClassSetting("How many of the lowest grades are left out of an average", 0, most=20),
    "announce": ClassSetting("Whether the class's channel is told of newly published lessons and work", default=True),
    "reminder_hours": ClassSetting(
        "How many hours before something is due students are reminded; 0 for not at all", 24, most=336
    ),
}
# What a class has besides, in columns of their own.
COLUMNS: Mapping[str, str] = {
    "title": "The class's title",
    "description": "What the class is about",
    "time_zone": "The time zone that dates are shown in, such as Europe/Zurich",
    "language": "What its material is written in, as PostgreSQL calls it",
}
_INDEXED = "There is material in this class already, indexed in its language; the language can't change any more."
_PROSE = frozenset({"title", "description"})  # the audit log holds none


def settings_of(class_: Class) -> dict[str, Value]:
    """Return every setting of a class, its columns first; the default where nothing is set."""
    columns: dict[str, Value] = {name: getattr(class_, name) for name in COLUMNS}
    return columns | {name: class_.settings.get(name, setting.default) for name, setting in CLASS_SETTINGS.items()}


def fingerprint(settings: Mapping[str, Value]) -> str:
    """Return a short text that is another one for other settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


async def change_settings(
    session: AsyncSession, actor: Actor, class_id: UUID, changes: Mapping[str, Value], *, seen: str | None = None
) -> dict[str, Value]:
    """Change settings of a class, typed or as text; return those that are other than before.

    With `seen`, the `fingerprint` of the settings that the person had before them, nothing is changed that somebody
    else has changed meanwhile. The language stays once there is material, which is indexed in it. Raises
    `NotPermitted`, `Conflict`, and `InvalidInput` whose `fields` in its data says what is wrong with which.
    """
    await require_teacher(session, actor, class_id)
    # FOR UPDATE makes new content wait, so that none is indexed in the language that was.
    class_ = await session.get(Class, class_id, with_for_update=True, populate_existing=True)
    if class_ is None or class_.deleted_at is not None:
        raise NotFound("There is no such class.")
    before = settings_of(class_)
    if seen is not None and seen != fingerprint(before):
        raise Conflict("Somebody changed these settings meanwhile, so nothing was saved. Look again.")
    wanted, wrong = {}, {}
    for name, value in changes.items():
        try:
            checked = await _check(session, name, value)
        except InvalidInput as error:
            wrong[name] = error.sentence
            continue
        if checked != before[name]:
            wanted[name] = checked
    if "language" in wanted and await language_stays(session, class_id):
        wrong["language"] = _INDEXED
    if wrong:
        sentences = "\n".join(f"{name}: {sentence}" for name, sentence in wrong.items())
        raise InvalidInput(sentences, fields=wrong)
    if not wanted:
        return {}
    for name, value in wanted.items():
        if name in COLUMNS:
            setattr(class_, name, value)
    class_.settings = class_.settings | {name: value for name, value in wanted.items() if name in CLASS_SETTINGS}
    shown = sorted(wanted.keys() - _PROSE)
    record(
        session,
        actor,
        "class.settings",
        "class",
        class_id,
        class_id=class_id,
        changed=sorted(wanted),
        before={name: before[name] for name in shown},
        after={name: wanted[name] for name in shown},
    )
    return wanted


def check_time_zone(name: str) -> str:
    """Return the IANA name of a time zone, however it is capitalised. Raises `InvalidInput`."""
    found = _time_zones().get(name.strip().casefold())
    if found is None:
        sentence = f"“{one_line(name, 40)}” is not a time zone; Europe/Zurich is one, for example."
        raise InvalidInput(sentence, field="time_zone")
    return found


async def check_language(session: AsyncSession, name: str) -> str:
    """Return the name of a text-search configuration of PostgreSQL's. Raises `InvalidInput`."""
    wanted = clean(name).casefold()
    if wanted not in await languages(session):
        sentence = f"“{one_line(name, 40)}” is not a language that PostgreSQL can search in."
        raise InvalidInput(sentence, field="language")
    return wanted


async def languages(session: AsyncSession) -> tuple[str, ...]:
    """Return what a class's language may be: the text-search configurations that PostgreSQL comes with."""
    names = "SELECT cfgname FROM pg_ts_config WHERE cfgnamespace = 'pg_catalog'::regnamespace ORDER BY cfgname"
    return tuple(await session.scalars(text(names)))


async def language_stays(session: AsyncSession, class_id: UUID) -> bool:
    """Whether a class's language can't change: there is content, deleted or not, which was indexed in it."""
    content = or_(exists().where(Material.class_id == class_id), exists().where(LessonUnit.class_id == class_id))
    return bool(await session.scalar(select(content)))


@cache
def _time_zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


async def _check(session: AsyncSession, name: str, value: Value) -> Value:
    if name in CLASS_SETTINGS:
        return CLASS_SETTINGS[name].check(value)
    if name == "time_zone":
        return check_time_zone(str(value))
    if name == "language":
        return await check_language(session, str(value))
    if name == "description":
        if len(described := clean(str(value))) > _LONGEST_DESCRIPTION:
            raise InvalidInput(f"This is longer than {_LONGEST_DESCRIPTION} characters.")
        return described
    if name != "title":
        raise InvalidInput("A class has no such setting.")
    titled = one_line(str(value), _LONGEST_TITLE)
    if not titled:
        raise InvalidInput("A class needs a title.")
    return titled
