"""`homeroom user …` and `homeroom class …`: provisioning by the operator."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot.console.run import notice, operate, run_async
from core.audit.record import Actor
from core.classes.enrol import create_class, enrol, get_class
from core.enums import GlobalRole, MembershipRole
from core.errors import InvalidInput
from core.identity.link_codes import LONGEST, ON_THE_SPOT, make_code
from core.identity.models import AppUser
from core.identity.people import add_person, change_role, find_person, get_person

RoleKind = TypeVar("RoleKind", bound=StrEnum)

users = typer.Typer(help="Add people and change what they may do.", no_args_is_help=True)
classes = typer.Typer(help="Make classes and enrol people.", no_args_is_help=True)


@users.command("add")
def user_add(
    email: Annotated[str, typer.Argument(help="Their email address.", show_default=False)],
    name: Annotated[str, typer.Option("--name", help="Their name.")] = "",
    role: Annotated[str, typer.Option("--role", help="UNASSIGNED, STUDENT, TEACHER or ADMIN.")] = "UNASSIGNED",
) -> None:
    """Add a person."""

    async def add(session: AsyncSession, actor: Actor) -> str:
        person = await add_person(session, actor, email, name=name, role=_role(GlobalRole, role))
        return f"Added {person.email} ({person.global_role.value})."

    run_async(operate(add))


@users.command("role")
def user_role(
    email: Annotated[str, typer.Argument(help="Their email address.", show_default=False)],
    role: Annotated[str, typer.Argument(help="UNASSIGNED, STUDENT, TEACHER or ADMIN.", show_default=False)],
) -> None:
    """Change what a person may do outside classes."""

    async def change(session: AsyncSession, actor: Actor) -> str:
        person = await get_person(session, email)
        await change_role(session, actor, person.id, _role(GlobalRole, role))
        return f"{person.email} is {person.global_role.value} now."

    run_async(operate(change))


@users.command("link-code")
def user_link_code(
    email: Annotated[str, typer.Argument(help="Their email address.", show_default=False)],
    days: Annotated[
        int | None,
        typer.Option("--days", help="How long it is valid; a quarter of an hour without.", min=1, max=LONGEST.days),
    ] = None,
) -> None:
    """Make a one-time code with which a person ties their chat account to themselves: /link CODE."""

    async def make(session: AsyncSession, actor: Actor) -> str:
        person = await get_person(session, email)
        lifetime = ON_THE_SPOT if days is None else timedelta(days=days)
        issued = await make_code(session, actor, person.id, lifetime=lifetime)
        notice(f"For {person.email}, valid until {issued.expires_at:%Y-%m-%d %H:%M} UTC. Earlier codes are void.")
        return issued.code

    run_async(operate(make))


@classes.command("create")
def class_create(
    code: Annotated[str, typer.Argument(help="A short code, such as ASTRO1.", show_default=False)],
    title: Annotated[str, typer.Option("--title", help="The class's title.", show_default=False)],
    teacher: Annotated[str, typer.Option("--teacher", help="The teacher's email address.", show_default=False)],
    language: Annotated[str, typer.Option("--language", help="What its material is written in.")] = "english",
    time_zone: Annotated[str, typer.Option("--time-zone", help="Where it meets.")] = "UTC",
) -> None:
    """Make a class with its first teacher, who is added if missing."""

    async def create(session: AsyncSession, actor: Actor) -> str:
        made = await create_class(session, actor, code, title=title, language=language, time_zone=time_zone)
        person = await _ensure(session, actor, teacher, GlobalRole.TEACHER)
        await enrol(session, actor, made.id, person.id, MembershipRole.TEACHER)
        return f"Made {made.code}, taught by {person.email}."

    run_async(operate(create))


@classes.command("enrol")
def class_enrol(
    code: Annotated[str, typer.Argument(help="The class's code.", show_default=False)],
    email: Annotated[str, typer.Argument(help="The person's email address.", show_default=False)],
    role: Annotated[str, typer.Option("--role", help="STUDENT or TEACHER.")] = "STUDENT",
    section: Annotated[str, typer.Option("--section", help="Their section.")] = "",
) -> None:
    """Enrol a person, who is added if missing."""

    async def let_in(session: AsyncSession, actor: Actor) -> str:
        wanted = _role(MembershipRole, role)
        found = await get_class(session, code)
        person = await _ensure(session, actor, email, GlobalRole(wanted.value))
        await enrol(session, actor, found.id, person.id, wanted, section=section)
        return f"{person.email} is a {wanted.value.lower()} of {found.code}."

    run_async(operate(let_in))


async def _ensure(session: AsyncSession, actor: Actor, email: str, role: GlobalRole) -> AppUser:
    return await find_person(session, email) or await add_person(session, actor, email, role=role)


def _role(kind: type[RoleKind], name: str) -> RoleKind:
    try:
        return kind(name.strip().upper())
    except ValueError as error:
        raise InvalidInput(f"The role is one of {', '.join(kind)}.") from error
