"""Which grades a /release is about: named by a person, carried by a choice, called by their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.registry import Request
from bot.commands.which_class import uuid_of
from core.errors import Ambiguous
from core.grading.find import find_gradable, find_student, list_gradable
from core.grading.plan_release import Selection


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selection with how it is called: “Essay”, “Essay, section A”."""

    selection: Selection
    name: str


async def chosen_by(session: AsyncSession, request: Request) -> Chosen:
    """Return what a typed /release names. Raises as finding does, `Ambiguous` with the `option` in its data."""
    options, actor, class_id = request.options, request.actor, request.visitor.class_id
    ids: tuple[UUID, ...] = ()
    names = []
    if "assignment" in options:
        try:
            work = await find_gradable(session, actor, class_id, options["assignment"])
        except Ambiguous as error:
            error.data["option"] = "assignment"
            raise
        ids, names = (work.id,), [work.title]
    section = options.get("section")
    student_id = None
    if "person" in options:
        try:
            student = await find_student(session, actor, class_id, options["person"])
        except Ambiguous as error:
            error.data["option"] = "person"
            raise
        student_id = student.user_id
        names.append(student.name)
    if section is not None:
        names.append(f"section {section}")
    return Chosen(Selection(class_id, ids, section, student_id), ", ".join(names) or "Everything")


async def name_of(session: AsyncSession, request: Request, selection: Selection) -> str:
    """Return how a selection is called. Raises `NotPermitted`, `NotFound` (the student left)."""
    titles = {item.id: item.title for item in await list_gradable(session, request.actor, selection.class_id)}
    name = called(selection, titles)
    if selection.student_user_id is not None:
        student = await find_student(session, request.actor, selection.class_id, selection.student_user_id.hex)
        name = f"{name}, {student.name}"
    return name


def called(selection: Selection, titles: Mapping[UUID, str], students: Mapping[UUID, str] | None = None) -> str:
    """Return how a selection is called, given the assignments' titles; without `students`, but for the student."""
    names = [titles.get(each, "an assignment") for each in selection.assignment_ids] or ["Everything"]
    if students is not None and selection.student_user_id is not None:
        names.append(students.get(selection.student_user_id, "a student who left"))
    return ", ".join([*names, *([f"section {selection.section}"] if selection.section else [])])


def pack(selection: Selection) -> str:
    """Return a selection as what a choice carries; the section, which may hold anything, comes last."""
    work = selection.assignment_ids[0].hex if selection.assignment_ids else ""
    student = selection.student_user_id.hex if selection.student_user_id else ""
    return f"{selection.class_id.hex}:{work}:{student}:{selection.section or ''}"


def unpack(packed: str) -> Selection:
    """Return the selection that `pack` was given. Raises `NotFound` for what is none."""
    class_id, work, student, section = [*packed.split(":", 3), "", "", ""][:4]
    return Selection(
        uuid_of(class_id),
        (uuid_of(work),) if work else (),
        section or None,
        uuid_of(student) if student else None,
    )
