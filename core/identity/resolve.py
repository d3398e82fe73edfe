"""From an event to a person and their class, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.enums import ChannelPurpose, GlobalRole, MembershipRole, Platform, SourceMode
from core.errors import ChooseClass, NotFound, NotLinked, NotPermitted
from core.events import Event, Place
from core.identity.people import check_email
from core.identity.raising import LINK_STANDS
from core.text import clean, one_line


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody we know."""

    user_id: UUID
    name: str
    global_role: GlobalRole
    time_zone: str


@dataclass(frozen=True, slots=True)
class EnrolledIn:
    """A class that a person is in, here."""

    class_id: UUID
    code: str
    title: str
    language: str
    time_zone: str
    role: MembershipRole


@dataclass(frozen=True, slots=True)
class Bound:
    """What the channel stands for."""

    class_id: UUID
    class_title: str
    purpose: ChannelPurpose
    lesson_unit_id: UUID | None


@dataclass(frozen=True, slots=True)
class ThreadContext:
    """What the last answer in the thread drew on."""

    class_id: UUID | None
    mode: SourceMode
    lesson_unit_id: UUID | None


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person in a class, as far as an event needs to know them."""

    user_id: UUID
    name: str
    global_role: GlobalRole
    class_id: UUID
    class_code: str
    class_title: str
    language: str
    time_zone: str
    role: MembershipRole

    @property
    def teaches(self) -> bool:
        """Whether they teach this class."""
        return self.role is MembershipRole.TEACHER


@dataclass(frozen=True, slots=True)
class Encounter:
    """Who did something, and what is known about where: all that permission and context are decided from.

    `workspace_id` is None at the terminal, and where Homeroom is not installed (`at_home` False). `person` is None for
    somebody who has not said who they are, or whose word does not do any more since they came to teach (`lapsed`).
    `email_trusted`: who says nothing may be known by the address that the workspace vouches for. `classes` are those of
    theirs that live in this workspace.
    """

    at_home: bool
    workspace_id: UUID | None = None
    person: Person | None = None
    lapsed: bool = False
    email_trusted: bool = False
    classes: tuple[EnrolledIn, ...] = ()
    chosen: UUID | None = None
    bound: Bound | None = None
    thread: ThreadContext | None = None

    def require_person(self) -> Person:
        """Return the person. Raises `NotPermitted` (not of a workspace of ours), `NotLinked`."""
        if not self.at_home:
            raise NotPermitted("I only answer people of the school's own workspace.")
        if self.person is None:
            raise NotLinked(
                "You teach here now, so I need to be sure that it is you: please link your account again with a code."
                if self.lapsed
                else None
            )
        return self.person

    def in_class(self, place: Place) -> Visitor:
        """Return the person in the class that is meant here.

        That is the channel's class; else the one that is named, that the thread is about, that they chose, or their
        only one. Raises as `require_person` does; `NotPermitted` (in none, not in this one), `NotFound` (no such class)
        and `ChooseClass` (in several).
        """
        person = self.require_person()
        if self.bound is not None:
            found = self._one(self.bound.class_id)
            if found is None:
                raise NotPermitted(f"This channel belongs to the class “{self.bound.class_title}”; you are not in it.")
            return _visitor(person, found)
        if place.class_code is not None:
            wanted = clean(place.class_code).casefold()
            named = next((each for each in self.classes if each.code.casefold() == wanted), None)
            if named is None:
                raise NotPermitted(f"You are not in the class “{one_line(place.class_code, 60)}”.")
            return _visitor(person, named)
        if not self.classes:
            raise NotPermitted("You are not in any class here yet. Ask your teacher to enrol you.")
        about = self.thread.class_id if self.thread else None
        if len(self.classes) == 1:
            return _visitor(person, self.classes[0])
        found = self._one(about) or self._one(self.chosen)
        if found is None:
            raise ChooseClass(
                candidates=tuple(each.code for each in self.classes),
                classes=tuple((each.class_id, each.title) for each in self.classes),
            )
        return _visitor(person, found)

    def _one(self, class_id: UUID | None) -> EnrolledIn | None:
        return next((each for each in self.classes if each.class_id == class_id), None)


# One row for each class of the person; one row with nothing but the workspace where nobody is known.
_MEET = text(
    f"""
    SELECT w.id AS workspace_id, u.id AS user_id, u.name, u.global_role, u.time_zone AS user_time_zone,
        w.email_trusted, i.class_id AS chosen, {LINK_STANDS} AS stands,
        c.id AS class_id, c.code, c.title, c.language, c.time_zone, m.role,
        b.class_id AS bound_class_id, bc.title AS bound_title, b.purpose, b.lesson_unit_id AS bound_lesson_id,
        h.class_id AS thread_class_id, h.source_mode AS thread_mode, h.lesson_unit_id AS thread_lesson_id
    FROM workspaces w
    LEFT JOIN workspace_identities i
        ON i.workspace_id = w.id AND i.platform_user_id = :user AND i.deleted_at IS NULL
    LEFT JOIN app_users u ON u.id = i.app_user_id AND u.deleted_at IS NULL
    LEFT JOIN (
        class_memberships m
        JOIN classes c ON c.id = m.class_id AND c.deleted_at IS NULL
        JOIN class_workspaces k ON k.class_id = c.id AND k.deleted_at IS NULL
    ) ON m.app_user_id = u.id AND m.deleted_at IS NULL AND k.workspace_id = w.id
    LEFT JOIN (channel_bindings b JOIN classes bc ON bc.id = b.class_id AND bc.deleted_at IS NULL)
        ON b.workspace_id = w.id AND b.channel_id = :channel AND b.deleted_at IS NULL
    LEFT JOIN LATERAL (
        SELECT t.class_id, a.source_mode, t.lesson_unit_id
        FROM message_deliveries d
        JOIN chat_messages a ON a.id = d.chat_message_id AND a.role = 'ASSISTANT' AND a.deleted_at IS NULL
        JOIN chats t ON t.id = a.chat_id
        WHERE d.platform = w.platform AND d.channel_id = :channel AND d.thread_id = :thread
        ORDER BY a.created_at DESC LIMIT 1
    ) h ON true
    WHERE w.platform = CAST(:platform AS platform) AND w.external_id = :workspace
        AND w.deleted_at IS NULL AND w.revoked_at IS NULL
    ORDER BY c.code
    """
)
_MEET_BY_EMAIL = text(
    """
    SELECT u.id AS user_id, u.name, u.global_role, u.time_zone AS user_time_zone,
        c.id AS class_id, c.code, c.title, c.language, c.time_zone, m.role
    FROM app_users u
    LEFT JOIN (class_memberships m JOIN classes c ON c.id = m.class_id AND c.deleted_at IS NULL)
        ON m.app_user_id = u.id AND m.deleted_at IS NULL
    WHERE u.email = :email AND u.deleted_at IS NULL
    ORDER BY c.code
    """
)


async def meet(session: AsyncSession, event: Event) -> Encounter:
    """Return who did something, and where. Raises `NotFound` and `InvalidInput` at the terminal, for its address."""
    if event.sender.platform is Platform.TERMINAL:
        return await _meet_by_email(session, event)
    values = {
        "platform": event.sender.platform.value,
        "workspace": event.sender.workspace_id,
        "user": event.sender.user_id,
        "channel": event.place.channel_id,
        "thread": event.place.thread_id,
    }
    rows = (await session.execute(_MEET, values)).all()
    if not rows:
        return Encounter(at_home=False)
    first = rows[0]
    known = first.user_id is not None and first.stands
    return Encounter(
        at_home=True,
        workspace_id=first.workspace_id,
        person=_person(first) if known else None,
        lapsed=first.user_id is not None and not known,
        email_trusted=first.email_trusted,
        classes=tuple(_enrolled(row) for row in rows if known and row.class_id is not None),
        chosen=first.chosen,
        bound=Bound(first.bound_class_id, first.bound_title, ChannelPurpose(first.purpose), first.bound_lesson_id)
        if first.bound_class_id is not None and first.bound_title is not None
        else None,
        thread=ThreadContext(first.thread_class_id, SourceMode(first.thread_mode), first.thread_lesson_id)
        if first.thread_mode is not None
        else None,
    )


async def _meet_by_email(session: AsyncSession, event: Event) -> Encounter:
    address = check_email(event.sender.user_id)
    rows = (await session.execute(_MEET_BY_EMAIL, {"email": address})).all()
    if not rows:
        raise NotFound(f"Nobody here has the address {one_line(address, 60)}.")
    classes = tuple(_enrolled(row) for row in rows if row.class_id is not None)
    code = event.place.class_code
    if code is not None and clean(code).casefold() not in (each.code.casefold() for each in classes):
        known = text("SELECT count(*) FROM classes WHERE code = :code AND deleted_at IS NULL")
        if not await session.scalar(known, {"code": clean(code)}):
            raise NotFound(f"There is no class “{one_line(code, 60)}”.")
    return Encounter(at_home=True, person=_person(rows[0]), classes=classes)


def _person(row: Row[Any]) -> Person:
    return Person(row.user_id, row.name, GlobalRole(row.global_role), row.user_time_zone)


def _enrolled(row: Row[Any]) -> EnrolledIn:
    return EnrolledIn(row.class_id, row.code, row.title, row.language, row.time_zone, MembershipRole(row.role))


def _visitor(person: Person, enrolled: EnrolledIn) -> Visitor:
    return Visitor(
        user_id=person.user_id,
        name=person.name,
        global_role=person.global_role,
        class_id=enrolled.class_id,
        class_code=enrolled.code,
        class_title=enrolled.title,
        language=enrolled.language,
        time_zone=person.time_zone if person.time_zone != "UTC" else enrolled.time_zone,
        role=enrolled.role,
    )
