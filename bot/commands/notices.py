"""What each kind of notification says: from what is published when it is sent, in the time zone of who reads it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.release_selection import called
from bot.commands.reminders import NO_MORE
from bot.commands.unreached import students, who_and_why
from core.assignments.remind import still_due
from core.audit.record import Actor
from core.classes.models import Class
from core.content.announce import News
from core.content.kinds import ASSIGNMENT, KINDS
from core.content.moments import say_moment
from core.enums import MembershipRole, ProcessingStatus
from core.errors import NotReady
from core.grading.find import list_gradable, list_students
from core.grading.mark import held_mark, plain
from core.grading.release import RELEASED
from core.grading.schedule_release import RELEASE_FAILED, scheduled_release
from core.identity.models import AppUser
from core.identity.permissions import membership_role
from core.inbox.notify import DUE_SOON, PROCESSED, PUBLICATION_FAILED, UNREACHED, ToTell
from core.inbox.notify_later import is_under_way, unreached
from core.materials.models import MaterialRevision
from core.published import published_assignments, published_grades
from core.replies import Audience, Choices, Note, Reply, say
from core.text import literal, literal_sentence, one_line

_MOST_LISTED = 15
_TITLE = 120
_PATIENCE = timedelta(minutes=30)  # so long a release may take to be told


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told, in which class, and in which time zone they live."""

    user_id: UUID
    class_id: UUID | None
    class_title: str
    zone: ZoneInfo


Write = Callable[[AsyncSession, ToTell, Reader], Awaitable[Reply | None]]


async def find_reader(session: AsyncSession, told: ToTell) -> Reader | None:
    """Return who a notification is for; None for somebody who is gone, or a class that is."""
    person = await session.get(AppUser, told.app_user_id) if told.app_user_id else None
    class_ = await session.get(Class, told.class_id) if told.class_id else None
    if person is None or person.deleted_at is not None:
        return None
    if told.class_id is not None and (class_ is None or class_.deleted_at is not None):
        return None
    zone = class_.time_zone if class_ is not None and person.time_zone == "UTC" else person.time_zone
    return Reader(person.id, told.class_id, class_.title if class_ else "", ZoneInfo(zone))


async def write_notice(session: AsyncSession, told: ToTell) -> Reply | None:
    """Return what to tell a person; None where there is nothing (any more). Raises `NotReady` (a little later)."""
    write, reader = NOTICES.get(told.kind), await find_reader(session, told)
    if write is None or reader is None:
        return None
    return await write(session, told, reader)


def write_news(news: Sequence[News], class_title: str, zone: ZoneInfo) -> Reply:
    """Return what a class is told of newly published lessons and work."""
    lines = [_line(each, zone) for each in news[:_MOST_LISTED]]
    if len(news) > _MOST_LISTED:
        lines.append(f"- … and {len(news) - _MOST_LISTED} more")
    opening = "Updated" if all(each.updated for each in news) else "New"
    return say(f"**{opening} in {_name(class_title)}**\n\n" + "\n".join(lines), audience=Audience.HERE)


def _line(news: News, zone: ZoneInfo) -> str:
    said = _name(f"{news.number} {news.title}".strip())
    if news.thing != ASSIGNMENT.name:
        where = f" ({_name(news.module_title)})" if news.module_title else ""
        return f"- Lesson {said}{where}"
    facts = [f"{plain(news.points)} points"] if news.points is not None else []
    if news.due_at is not None:
        facts.append(f"due {say_moment(news.due_at.astimezone(zone))}")
    return f"- Assignment {said}" + (f": {', '.join(facts)}" if facts else "")


async def _released(session: AsyncSession, told: ToTell, reader: Reader) -> Reply | None:
    work, grades = published_assignments.c, published_grades.c
    rows = (
        await session.execute(
            select(work.title, grades.status, grades.score, grades.points, grades.feedback)
            .join(published_assignments, work.id == grades.assignment_id)
            .where(
                grades.id.in_([UUID(each) for each in told.details["grades"]]),
                grades.student_user_id == reader.user_id,
            )
            .order_by(work.position, work.id)
        )
    ).all()
    if not rows:
        return None
    lines = []
    for row in rows[:_MOST_LISTED]:
        mark = held_mark(row.status, row.score)
        shown = f"{mark} / {plain(row.points)}" if mark.score is not None else str(mark)
        lines.append(f"- {_name(row.title)}: **{shown}**" + (" (with feedback)" if row.feedback else ""))
    if len(rows) > _MOST_LISTED:
        lines.append(f"- … and {len(rows) - _MOST_LISTED} more")
    opening = f"**Your grades in {_name(reader.class_title)}**\n\n"
    return say(opening + "\n".join(lines), Note("`/grades` shows all of them, with the feedback."))


async def _due_soon(session: AsyncSession, told: ToTell, reader: Reader) -> Reply | None:
    due_at = datetime.fromisoformat(told.details["due_at"])
    work = await still_due(session, reader.user_id, UUID(told.details["assignment"]), due_at)
    if work is None:
        return None
    when = say_moment(work.due_at.astimezone(reader.zone)) + (" (extended for you)" if work.extended else "")
    return say(
        f"“{_name(work.title)}” in {_name(reader.class_title)} is due {when}.",
        Note("`/submit` hands it in."),
        Choices((NO_MORE,)),
    )


async def _publication_failed(session: AsyncSession, told: ToTell, reader: Reader) -> Reply | None:
    if await _role(session, reader) is not MembershipRole.TEACHER:
        return None
    kind = KINDS[told.details["thing"]]
    title = await session.scalar(
        select(kind.revision.title)
        .where(kind.root_column() == UUID(told.details["root"]))
        .order_by(kind.revision.revision_number.desc())
        .limit(1)
    )
    act = "unpublished" if told.details.get("act") == "UNPUBLISH" else "published"
    when = "" if told.details.get("queued") else " as scheduled"
    return say(
        f"The {kind.name} “{_name(title or '')}” in {_name(reader.class_title)} could not be {act}{when}: "
        f"{literal_sentence(told.details['why'])}"
    )


async def _release_failed(session: AsyncSession, told: ToTell, reader: Reader) -> Reply | None:
    due = await scheduled_release(session, UUID(told.details["action"]))
    if due is None or reader.class_id is None or await _role(session, reader) is not MembershipRole.TEACHER:
        return None
    actor = Actor.person(reader.user_id, "notices")
    titles = {item.id: item.title for item in await list_gradable(session, actor, reader.class_id)}
    students_ = {each.user_id: each.name for each in await list_students(session, actor, reader.class_id)}
    name = _name(called(due.selection, titles, students_))
    when = say_moment(due.at.astimezone(reader.zone))
    until = told.details.get("until")
    if until:
        then = f"It is tried again until {say_moment(datetime.fromisoformat(until).astimezone(reader.zone))}"
        then += ", and not after that."
    else:
        then = "It is not tried again."
    return say(
        f"Grades in {_name(reader.class_title)} ({name}) could not be released as scheduled for {when}: "
        f"{literal_sentence(told.details['why'])} {then}",
        Note("`/release` shows what is scheduled, and releases or schedules it anew."),
    )


async def _processed(session: AsyncSession, told: ToTell, reader: Reader) -> Reply | None:
    if await _role(session, reader) is not MembershipRole.TEACHER:
        return None
    revision = await session.get(MaterialRevision, UUID(told.details["revision"]))
    if revision is None or revision.deleted_at is not None:
        return None
    named = f"“{_name(revision.title)}” in {_name(reader.class_title)}"
    match revision.processing_status:
        case ProcessingStatus.READY:
            return say(f"{named} is ready to be published.")
        case ProcessingStatus.FAILED:
            why = revision.failure_reason or "the file is damaged."
            return say(f"{named} could not be read: {literal_sentence(why)}")
        case _:
            raise NotReady


async def _unreached(session: AsyncSession, told: ToTell, reader: Reader) -> Reply | None:
    release_id = UUID(told.details["release_id"])
    if reader.class_id is None or await _role(session, reader) is not MembershipRole.TEACHER:
        return None
    if await is_under_way(session, release_id) and datetime.now(UTC) - told.created_at < _PATIENCE:
        raise NotReady
    missed = await unreached(session, Actor.person(reader.user_id, "notices"), reader.class_id, release_id=release_id)
    if not missed:
        return None
    named = f"{students(missed)} in {_name(reader.class_title)}"
    return say(f"I could not tell {named} of the grades you released.", *who_and_why(missed))


async def _role(session: AsyncSession, reader: Reader) -> MembershipRole | None:
    return await membership_role(session, reader.user_id, reader.class_id) if reader.class_id else None


def _name(title: str) -> str:
    return literal(one_line(title, _TITLE))


NOTICES: Mapping[str, Write] = {
    RELEASED: _released,
    DUE_SOON: _due_soon,
    PUBLICATION_FAILED: _publication_failed,
    PROCESSED: _processed,
    RELEASE_FAILED: _release_failed,
    UNREACHED: _unreached,
}
