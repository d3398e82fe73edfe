"""Who may: only a teacher of this very class, now. Everybody else changes nothing and leaves no trace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.classes.models import Class
from core.content.delete import delete, restore
from core.content.kinds import LESSON, MATERIAL, Kind
from core.content.publish import publish, unpublish
from core.content.revert import revert
from core.content.revisions import Root
from core.enums import ActorKind, GlobalRole, MembershipRole
from core.errors import NotPermitted
from core.materials.link import link_material, unlink_material
from tests import factories as make
from tests.integration.content.desk import Desk, each_kind

Verb = Callable[[Desk, Actor, Kind, Root], Awaitable[Any]]

VERBS: dict[str, Verb] = {
    "create": lambda desk, actor, kind, _: desk.create(kind, "Mine", actor=actor),
    "edit": lambda desk, actor, kind, root: desk.edit(kind, root, "Mine", actor=actor),
    "publish": lambda desk, actor, kind, root: publish(desk.session, actor, kind, root.id),
    "unpublish": lambda desk, actor, kind, root: unpublish(desk.session, actor, kind, root.id),
    "revert": lambda desk, actor, kind, root: revert(desk.session, actor, kind, root.id, 1, queue=desk.queue),
    "delete": lambda desk, actor, kind, root: delete(desk.session, actor, kind, root.id),
    "restore": lambda desk, actor, kind, root: restore(desk.session, actor, kind, root.id),
}


async def outsiders(session: AsyncSession, desk: Desk) -> dict[str, Actor]:
    """Return people who are nearly a teacher of the class; a global role is none of it."""
    class_, other = await session.get_one(Class, desk.class_id), await make.class_(session)
    names = ("student", "teacher elsewhere", "stranger", "teacher who left", "teacher whose account is gone")
    people = {name: await make.person(session, "Nearly", role=GlobalRole.ADMIN) for name in names}
    await make.enrol(session, class_, people["student"])
    await make.enrol(session, other, people["teacher elsewhere"], MembershipRole.TEACHER)
    left = await make.enrol(session, class_, people["teacher who left"], MembershipRole.TEACHER)
    left.deleted_at = func.now()
    gone = people["teacher whose account is gone"]
    await make.enrol(session, class_, gone, MembershipRole.TEACHER)
    gone.deleted_at = func.now()
    await session.flush()
    actors = {name: Actor.person(person.id, "test") for name, person in people.items()}
    return actors | {"nobody": Actor(ActorKind.PERSON, "test")}


async def thing_for(desk: Desk, kind: Kind, verb: str) -> Root:
    """Return a thing that a teacher could do this with."""
    root = await desk.published(kind, "First")
    await desk.edit(kind, root, "Second")
    await desk.ready(kind, root)
    if verb == "restore":
        await delete(desk.session, desk.teacher, kind, root.id)
    await desk.session.flush()
    return root


@each_kind
@pytest.mark.parametrize("verb", VERBS)
async def test_only_a_teacher_of_the_class_may(session: AsyncSession, desk: Desk, kind: Kind, verb: str) -> None:
    root = await thing_for(desk, kind, verb)
    for actor in (await outsiders(session, desk)).values():
        desk.queue.drain()
        async with desk.nothing_changes():
            with pytest.raises(NotPermitted):
                await VERBS[verb](desk, actor, kind, root)
        assert desk.queue.jobs == []
    await VERBS[verb](desk, desk.teacher, kind, root)


@each_kind
@pytest.mark.parametrize("verb", VERBS)
async def test_nobody_changes_a_class_that_is_gone(session: AsyncSession, desk: Desk, kind: Kind, verb: str) -> None:
    root = await thing_for(desk, kind, verb)
    (await session.get_one(Class, desk.class_id)).deleted_at = func.now()
    async with desk.nothing_changes():
        with pytest.raises(NotPermitted):
            await VERBS[verb](desk, desk.teacher, kind, root)


@each_kind
@pytest.mark.parametrize("actor", [Actor.command_line(), Actor.system()], ids=["command line", "system"])
async def test_the_operator_may_and_the_log_says_so(desk: Desk, kind: Kind, actor: Actor) -> None:
    desk.teacher = actor
    root = await desk.create(kind)
    await desk.publish(kind, root)
    assert {action for action, entity in await desk.audit() if entity == root.id} >= {
        f"{kind.name}.create",
        f"{kind.name}.publish",
    }


async def test_only_a_teacher_links_and_unlinks(session: AsyncSession, desk: Desk) -> None:
    lesson, loose, linked = [await desk.create(kind) for kind in (LESSON, MATERIAL, MATERIAL)]
    await link_material(session, desk.teacher, lesson.id, linked.id)
    for actor in (await outsiders(session, desk)).values():
        async with desk.nothing_changes():
            with pytest.raises(NotPermitted):
                await link_material(session, actor, lesson.id, loose.id)
            with pytest.raises(NotPermitted):
                await unlink_material(session, actor, lesson.id, linked.id)
