"""/grades: what was released to the person who asks, and nothing else, to read or as a file; nobody else reads it."""

from __future__ import annotations

from adapters.gradebooks.write_own import write_own
from bot.commands.browsing import show_moment
from bot.commands.registry import Command, Look, Request, Run
from bot.commands.which_class import uuid_of, value_of
from core.db import snapshot
from core.enums import GradeStatus
from core.errors import NotFound
from core.grading.aggregate import Total
from core.grading.mark import plain
from core.grading.my_grades import MyGrade, MyGrades, my_grades
from core.replies import Choice, Choices, File, Note, Part, Reply, Table, Text, say
from core.text import literal

FILE = "grades.file"


async def run_grades(request: Request) -> Reply:
    """Serve /grades."""
    visitor = request.visitor
    if visitor.teaches:
        return say("You teach this class: `/gradebook` shows everybody's grades, drafts and released side by side.")
    async with snapshot(request.app.sessions) as session:
        mine = await my_grades(session, visitor.user_id, visitor.class_id)
    if not mine.grades:
        return say("No grades have been released to you yet.")
    rows = tuple(
        (grade.title, grade.place, show_grade(grade), show_moment(grade.released_at, visitor.time_zone))
        for grade in mine.grades
    )
    parts: list[Part] = [Table(("Assignment", "Belongs to", "Grade", "Released"), rows, visitor.class_title)]
    totals = _totals(mine)
    if totals:
        parts.append(Table(("Total", "Grade", "Of"), totals, "Totals of what was released"))
    parts += [Text(f"**{literal(grade.title)}**: {grade.feedback}") for grade in mine.grades if grade.feedback]
    keep = Choices((Choice("Get them as a file", FILE, visitor.class_id.hex),))
    return Reply((*parts, Note("Only you can see this."), keep))


async def get_file(request: Request) -> Reply:
    """Serve “Get them as a file”, as they are by then."""
    class_id = uuid_of(value_of(request))
    enrolled = next((each for each in request.encounter.classes if each.class_id == class_id), None)
    if enrolled is None:
        raise NotFound("You are not in that class any more.")
    async with snapshot(request.app.sessions) as session:
        mine = await my_grades(session, request.person.user_id, class_id)
    file = File(f"{enrolled.code}-grades.csv", write_own(mine, enrolled.title), "text/csv")
    return Reply((file, Note("Only you can see this.")))


def show_grade(grade: MyGrade) -> str:
    """Return a grade as its student reads it: “8.5 / 10”, or excused, or missing."""
    if grade.status is GradeStatus.GRADED and grade.score is not None:
        return f"{plain(grade.score)} / {plain(grade.points)}"
    return GradeStatus(grade.status).value.lower()


def _totals(mine: MyGrades) -> tuple[tuple[str, str, str], ...]:
    rows = [(f"Lesson {each.name}", *_total(each.total)) for each in mine.lessons]
    rows += [(f"Module {each.name}", *_total(each.total)) for each in mine.modules]
    rows += [("The class", *_total(mine.overall))] if mine.overall is not None else []
    return tuple(rows)


def _total(total: Total) -> tuple[str, str]:
    of = f"{total.counted} grade{'' if total.counted == 1 else 's'}"
    dropped = f", the lowest {total.dropped} left out" if total.dropped else ""
    return f"{plain(total.percent)} %", f"{of}{dropped}"


COMMANDS = (Command("grades", "See the grades that were released to you", Look(run_grades)),)
CONTROLS: dict[str, Run] = {FILE: Look(get_file)}
