"""/class bind and /class unbind: what a channel stands for, with a warning before strangers read along."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.registry import NO, YES, Command, Option, OptionKind, Request, Run, Who
from bot.commands.which_class import CODE, uuid_of, value_of
from core.classes.bind import Binding, Strangers, bind_channel, not_in_class, unbind_channel
from core.classes.enrol import classes_of, get_class
from core.classes.models import Class
from core.content.browse import find_lesson
from core.enums import ChannelPurpose, MembershipRole
from core.errors import Ambiguous, InvalidInput, NotPermitted
from core.identity.permissions import require_teacher_or_admin
from core.replies import Choice, Choices, Note, Reply, Text, say
from core.text import literal

PICK, CONFIRM, LEAVE = "class.bind.pick", "class.bind", "class.bind.leave"
_NOT_HERE = "A channel is bound from inside it: type `/class bind` in the channel, not in a direct message."


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a channel is to stand for. A choice carries it in at most 90 characters, for Discord takes no more."""

    channel_id: str
    class_id: UUID
    lesson_unit_id: UUID | None = None
    purpose: ChannelPurpose = ChannelPurpose.CLASS

    def packed(self) -> str:
        lesson = self.lesson_unit_id.hex if self.lesson_unit_id else ""
        return f"{self.channel_id}:{self.class_id.hex}:{lesson}:{'T' if self.purpose is _TEACHERS else ''}"


_TEACHERS = ChannelPurpose.TEACHERS


def _unpack(value: str) -> _Wish:
    channel_id, class_id, lesson, purpose = [*value.split(":"), "", "", ""][:4]
    return _Wish(
        channel_id,
        uuid_of(class_id),
        uuid_of(lesson) if lesson else None,
        _TEACHERS if purpose == "T" else ChannelPurpose.CLASS,
    )


async def run_bind(request: Request) -> Reply:
    """Serve /class bind: at once where everybody who reads here belongs, else after a warning."""
    place = request.event.place
    _workspace(request)
    if place.private:
        raise InvalidInput(_NOT_HERE)
    options = request.options
    purpose = _TEACHERS if options.get("teachers") == YES else ChannelPurpose.CLASS
    async with request.app.sessions() as session:
        if code := options.get(CODE.name):
            class_id = (await get_class(session, code)).id
        else:
            taught = await _taught(session, request)
            if len(taught) > 1:
                return _pick(request, taught, purpose)
            class_id = taught[0].id
        await require_teacher_or_admin(session, request.actor, class_id)  # before its lessons are looked at
        lesson = await find_lesson(session, class_id, options["lesson"]) if "lesson" in options else None
    return await _bind_carefully(request, _Wish(place.channel_id, class_id, lesson.id if lesson else None, purpose))


async def bind_picked(request: Request) -> Reply:
    """Serve the choice of the class that a channel is to stand for."""
    return await _bind_carefully(request, _unpack(value_of(request)))


async def bind_anyway(request: Request) -> Reply:
    """Serve “Bind anyway”."""
    return await _bind(request, _unpack(value_of(request)))


async def leave_unbound(request: Request) -> Reply:  # noqa: ARG001  (a control's signature)
    """Serve “Leave it”."""
    return say("Left as it is.")


async def run_unbind(request: Request) -> Reply:
    """Serve /class unbind."""
    workspace_id, place = _workspace(request), request.event.place
    if place.private:
        raise InvalidInput(_NOT_HERE.replace("bind`", "unbind`"))
    async with request.app.sessions.begin() as session:
        class_id = await unbind_channel(session, request.actor, workspace_id, place.channel_id)
        title = await session.scalar(select(Class.title).where(Class.id == class_id))
    return say(
        f"This channel no longer stands for “{literal(title or '')}”. Answers from its material are private here now."
    )


def _workspace(request: Request) -> UUID:
    request.person  # noqa: B018  (who is nobody here is told so first)
    if request.encounter.workspace_id is None:
        raise InvalidInput("There are no channels here: bind them in Slack or Discord.")
    return request.encounter.workspace_id


async def _taught(session: AsyncSession, request: Request) -> list[Class]:
    """Return the classes that a person teaches, whether or not they live here yet. Raises `NotPermitted` for none."""
    mine = await classes_of(session, request.person.user_id)
    taught = [found for found, role in mine if role is MembershipRole.TEACHER]
    if not taught:
        raise NotPermitted("You don't teach a class. `/class bind CODE` names one, where you may.")
    return taught


def _pick(request: Request, taught: list[Class], purpose: ChannelPurpose) -> Reply:
    if "lesson" in request.options:  # which is looked for in one class
        raise Ambiguous(
            "You teach several classes; name the one that the lesson is in.",
            candidates=tuple(f"{each.code}: {each.title}" for each in taught),
        )
    channel_id = request.event.place.channel_id
    wishes = ((each.title, _Wish(channel_id, each.id, purpose=purpose)) for each in taught)
    return say(
        "Which class is this channel to stand for?",
        Choices(tuple(Choice(title, PICK, wish.packed()) for title, wish in wishes)),
    )


async def _bind_carefully(request: Request, wish: _Wish) -> Reply:
    """Bind a channel, or say first who reads there who does not belong."""
    workspace_id, place = _workspace(request), request.event.place
    async with request.app.sessions() as session:
        await require_teacher_or_admin(session, request.actor, wish.class_id)
    # A choice that had to be offered in a direct message says nothing about who reads in the channel.
    readers = await request.responder.readers() if place.channel_id == wish.channel_id else None
    strangers = Strangers(0, 0)
    if readers:
        async with request.app.sessions() as session:
            strangers = await not_in_class(session, workspace_id, readers, wish.class_id, purpose=wish.purpose)
    warnings = _warnings(strangers, wish.purpose, shared=await _is_shared(request, wish))
    if not warnings:
        reply = await _bind(request, wish)
        unseen = Note("I could not see who reads in this channel, so I could not check that all of them belong here.")
        return reply if readers is not None else replace(reply, parts=(*reply.parts, unseen))
    choices = Choices((Choice("Bind anyway", CONFIRM, wish.packed()), Choice("Leave it", LEAVE)))
    return Reply((Text("\n\n".join(warnings)), choices))


def _warnings(strangers: Strangers, purpose: ChannelPurpose, *, shared: bool) -> list[str]:
    said = []
    if (number := strangers.outsiders) == 1:
        said.append(f"One person who reads here {_IS[purpose]}")
    elif number:
        said.append(f"{number} people who read here {_ARE[purpose]}")
    if (number := strangers.unknown) == 1:
        said.append("One person who reads here has not linked their account, so I don't know who they are.")
    elif number:
        said.append(f"{number} people who read here have not linked their accounts, so I don't know who they are.")
    if shared:
        said.append(
            "This channel is shared with another organisation. Bound or not, answers from the class's material "
            "are private here."
        )
    return said


_IS = {
    ChannelPurpose.CLASS: "is not in this class, and would read its questions and answers.",
    _TEACHERS: "does not teach this class, and would read what its students ask their teachers.",
}
_ARE = {
    ChannelPurpose.CLASS: "are not in this class, and would read its questions and answers.",
    _TEACHERS: "do not teach this class, and would read what its students ask their teachers.",
}


async def _bind(request: Request, wish: _Wish) -> Reply:
    workspace_id = _workspace(request)
    async with request.app.sessions.begin() as session:
        done = await bind_channel(
            session,
            request.actor,
            workspace_id,
            wish.channel_id,
            wish.class_id,
            wish.lesson_unit_id,
            wish.purpose,
        )
        title = await session.scalar(select(Class.title).where(Class.id == wish.class_id))
    return _bound(wish, title or "", done, shared=await _is_shared(request, wish))


async def _is_shared(request: Request, wish: _Wish) -> bool:
    return request.event.place.channel_id == wish.channel_id and await request.responder.shared()


def _bound(wish: _Wish, title: str, done: Binding, *, shared: bool) -> Reply:
    if wish.purpose is _TEACHERS:
        moved = f" It was {literal(done.instead_of)} before." if done.instead_of else ""
        return say(
            f"This channel is where the teachers of “{literal(title)}” meet: calls for help are posted here.{moved}"
        )
    if wish.lesson_unit_id:
        what = f"a lesson of “{literal(title)}”: questions here are answered from that lesson."
    else:
        what = f"“{literal(title)}”: questions here are answered from its material."
    note = (Note("As the channel is shared with another organisation, those answers are private."),) * shared
    return say(f"This channel stands for {what}", *note)


BIND = Command(
    "bind",
    "Let this channel stand for a class",
    run_bind,
    (
        CODE,
        Option("lesson", "The lesson it is about, by number or title", OptionKind.LESSON),
        Option("teachers", "Whether its teachers meet here", OptionKind.CHOICE, choices=(YES, NO)),
    ),
    Who.TEACHER,
)
UNBIND = Command("unbind", "Let this channel stand for nothing", run_unbind, who=Who.TEACHER)
CONTROLS: dict[str, Run] = {PICK: bind_picked, CONFIRM: bind_anyway, LEAVE: leave_unbound}
