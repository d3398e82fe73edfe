"""Two people at the same time, on two real connections: one follows the other, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from core.audit.record import Actor
from core.classes.enrol import create_class, enrol
from core.classes.models import ClassMembership
from core.content.kinds import LESSON, MODULE, Kind
from core.content.publish import Publication, publish
from core.content.revert import revert
from core.content.revisions import Root
from core.enums import GlobalRole, MembershipRole
from core.errors import Conflict, NotFound
from core.identity.people import add_person
from tests import factories as make
from tests.integration.content.desk import Desk
from tests.integration.content.school import School
from tests.processing import finish

# One whose text has to be processed, and one without: what takes turns is the same for all four.
each_sort = pytest.mark.parametrize("kind", [MODULE, LESSON], ids=["module", "lesson"])


@each_sort
async def test_two_edits_of_one_version_keep_the_first_and_refuse_the_second(school: School, kind: Kind) -> None:
    root = await school.do(lambda desk: desk.create(kind))
    outcome = await school.one_after_the_other(
        lambda desk: desk.edit(kind, root, "Hers", expected_version=1),
        lambda desk: desk.edit(kind, root, "His", expected_version=1),
    )
    assert isinstance(outcome, Conflict)
    theirs: Any = outcome.data["theirs"]
    assert theirs["title"] == "Hers"
    assert await school.do(lambda desk: desk.history(kind, root)) == [(1, "Hers", "DRAFT", False)]
    assert await school.actions() == [f"{kind.name}.create", f"{kind.name}.edit"]


@each_sort
async def test_two_first_edits_of_what_is_live_begin_one_draft(school: School, kind: Kind) -> None:
    root = await school.do(lambda desk: desk.published(kind, "First"))
    outcome = await school.one_after_the_other(
        lambda desk: desk.edit(kind, root, "Hers"), lambda desk: desk.edit(kind, root, "His")
    )
    assert (outcome.revision_number, outcome.version, outcome.title) == (2, 2, "His")


@each_sort
async def test_two_publications_show_it_once(school: School, kind: Kind) -> None:
    root = await school.do(lambda desk: drafted(desk, kind))
    outcome = await school.one_after_the_other(
        lambda desk: publish(desk.session, desk.teacher, kind, root.id),
        lambda desk: publish(desk.session, desk.teacher, kind, root.id),
    )
    assert isinstance(outcome, NotFound)
    assert (await school.actions()).count(f"{kind.name}.publish") == 1


@each_sort
async def test_an_edit_during_publication_begins_the_next_draft(school: School, kind: Kind) -> None:
    root = await school.do(lambda desk: drafted(desk, kind))
    await school.one_after_the_other(
        lambda desk: publish(desk.session, desk.teacher, kind, root.id), lambda desk: desk.edit(kind, root, "Next")
    )
    history = [(1, "First", "PUBLISHED", False), (2, "Next", "DRAFT", False)]
    assert await school.do(lambda desk: desk.history(kind, root)) == history
    assert await school.do(lambda desk: desk.shown(kind, root)) == "First"


@each_sort
async def test_two_reverts_take_two_numbers(school: School, kind: Kind) -> None:
    root = await school.do(lambda desk: desk.published(kind, "First"))
    outcome = await school.one_after_the_other(
        *[lambda desk: revert(desk.session, desk.teacher, kind, root.id, 1, queue=desk.queue)] * 2
    )
    assert outcome.revision_number == 3


async def test_a_text_that_becomes_ready_while_its_publication_is_queued_is_published(school: School) -> None:
    """The worker's transaction begins first, so by its clock the publication is queued in the future."""
    root = await school.do(lambda desk: desk.create(LESSON))
    async with school.sessions.begin() as session:
        worker = school.desk(session)
        draft = await worker.draft(LESSON, root)
        assert await school.do(lambda desk: publish(desk.session, desk.teacher, LESSON, root.id)) is Publication.QUEUED
        await finish(session, LESSON, draft.id, "The Moon.")
    assert await school.do(lambda desk: desk.shown(LESSON, root)) == "First"


async def test_two_lessons_made_at_once_have_two_numbers(school: School) -> None:
    second = await school.one_after_the_other(lambda desk: desk.create(LESSON), lambda desk: desk.create(LESSON))
    assert second.position == 2


async def test_two_modules_made_at_once_have_two_numbers(school: School) -> None:
    first = await school.do(lambda desk: desk.create(MODULE))
    second = await school.one_after_the_other(lambda desk: desk.create(MODULE), lambda desk: desk.create(MODULE))
    assert second.position == first.position + 2


async def test_two_enrolments_of_one_person_make_one_membership(school: School) -> None:
    async with school.sessions.begin() as session:
        person = (await make.person(session)).id
    outcome = await school.one_after_the_other(
        lambda desk: enrol(desk.session, desk.teacher, desk.class_id, person, MembershipRole.STUDENT),
        lambda desk: enrol(desk.session, desk.teacher, desk.class_id, person, MembershipRole.TEACHER),
    )
    assert outcome.role is MembershipRole.TEACHER
    async with school.sessions() as session:
        count = select(func.count()).where(ClassMembership.app_user_id == person)
        assert await session.scalar(count) == 1


async def test_one_address_and_one_class_code_are_taken_once(school: School) -> None:
    operator = Actor.command_line()
    outcome = await school.one_after_the_other(
        *[lambda desk: add_person(desk.session, operator, "ada@example.org", role=GlobalRole.STUDENT)] * 2
    )
    assert isinstance(outcome, Conflict)
    outcome = await school.one_after_the_other(
        *[lambda desk: create_class(desk.session, operator, "SKY", title="The sky")] * 2
    )
    assert isinstance(outcome, Conflict)


async def drafted(desk: Desk, kind: Kind) -> Root:
    root = await desk.create(kind)
    await desk.ready(kind, root)
    return root
