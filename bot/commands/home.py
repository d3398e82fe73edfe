"""What stands on the bot's own pages for a person: their classes, what is due, what waits; questions to begin with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from bot.commands.asking import ASK
from bot.commands.browsing import show_moment
from bot.commands.classes import CHOOSE
from bot.commands.registry import Request
from core.db import Sessions
from core.enums import GenerationStatus, GradeStatus, MembershipRole
from core.errors import ChooseClass
from core.identity.resolve import Encounter, EnrolledIn
from core.insights.desk import NAMED, SHOWN, Desk, Draft, OpenEscalation, Unanswered, Untold, teacher_desks
from core.insights.home import Due, ReleasedGrade, student_home, suggest_lessons
from core.replies import Choice, Choices, Note, Part, Reply, Table, Text, say
from core.text import literal, one_line

NO_CLASS = "You are not in any class here yet. Ask your teacher to enrol you."
_MOST_ROWS = 10  # of what is due, and of grades
_MOST_WAITING = 40  # rows over all classes of a teacher: a page has an end
_SHORT = 80


async def home(request: Request) -> Reply:
    """Return a person's home page, over their classes here. Raises `NotLinked`, `NotPermitted`."""
    return await home_page(request.app.sessions, request.encounter)


async def home_page(sessions: Sessions, encounter: Encounter) -> Reply:
    """Return the home page of a person who was met. Raises `NotLinked`, `NotPermitted`."""
    person, classes = encounter.require_person(), encounter.classes
    hello = Text(f"Hello {literal(person.name)}.")
    if not classes:
        return Reply((hello, Text(NO_CLASS)))
    page = _Page({each.class_id: each for each in classes}, person.time_zone)
    parts: list[Part] = [hello, *page.classes(encounter.chosen)]
    studied = [each.class_id for each in classes if each.role is MembershipRole.STUDENT]
    taught = [each for each in classes if each.role is MembershipRole.TEACHER]
    async with sessions() as session:
        if studied:
            student = await student_home(session, person.user_id, studied)
            parts += [*page.due(student.due), *page.grades(student.grades)]
        if taught:
            desks = await teacher_desks(session, person.user_id, [each.class_id for each in taught])
            rows = max(1, min(SHOWN, _MOST_WAITING // (4 * len(taught))))
            for each in taught:
                parts += page.desk(each, desks.get(each.class_id, Desk()), rows)
    return Reply(tuple(parts))


async def prompts(request: Request) -> Reply:
    """Return questions to begin with, made of real lessons: the choices' values. Raises `NotLinked`, `NotPermitted`."""
    user_id = request.person.user_id
    if not request.encounter.classes:
        return say(NO_CLASS)
    try:
        class_ids = [request.visitor.class_id]
    except ChooseClass:
        class_ids = [each.class_id for each in request.encounter.classes]
    async with request.app.sessions() as session:
        titles = await suggest_lessons(session, user_id, class_ids)
    hello = Text("Ask me about your class's material.")
    if not titles:
        return Reply((hello,))
    titles = list(dict.fromkeys(one_line(title, _SHORT) for title in titles))
    return Reply((hello, Choices(tuple(Choice(title, ASK, f"What is “{title}” about?") for title in titles))))


class _Page:
    """The parts of a page, which names the class of each thing where there are several."""

    def __init__(self, classes: dict[UUID, EnrolledIn], time_zone: str) -> None:
        self._classes, self._time_zone = classes, time_zone

    def classes(self, chosen: UUID | None) -> Iterable[Part]:
        """Yield the person's classes, and with several the choice of the one they work in."""
        every = self._classes.values()
        yield Table(("Class", "Code", "You are"), tuple((e.title, e.code, f"a {e.role.lower()}") for e in every))
        if len(every) > 1:
            if chosen in self._classes:
                yield Note(f"Here you work in “{literal(self._classes[chosen].title)}”.")
            yield Choices(tuple(Choice(e.title, CHOOSE, str(e.class_id)) for e in every))

    def due(self, due: Sequence[Due]) -> Iterable[Part]:
        """Yield what is due, within two weeks and later."""
        if not due:
            yield Note("Nothing is due.")
        for title, soon in (("Due in the next two weeks", True), ("Due later", False)):
            work = [each for each in due if each.soon is soon]
            rows = [(each.class_id, each.title, self._moment(each.class_id, each.due_at)) for each in work]
            yield from self._table(title, ("Assignment", "Due"), rows)

    def grades(self, grades: Sequence[ReleasedGrade]) -> Iterable[Part]:
        """Yield the grades that were released."""
        rows = [(each.class_id, each.title, _show_grade(each), one_line(each.feedback, _SHORT)) for each in grades]
        yield from self._table("Your grades", ("Assignment", "Grade", "Feedback"), rows)

    def desk(self, where: EnrolledIn, desk: Desk, most: int) -> Iterable[Part]:
        """Yield what waits for a class's teachers, at most so many rows of each kind."""

        def at(moment: datetime) -> str:
            return self._moment(where.class_id, moment)

        rows = []
        if desk.untold is not None:
            said = f"{_count(desk.untold.students, 'student')} could not be told of grades"
            rows.append((said, _and_more(desk.untold), at(desk.untold.at)))
        rows += [("Grades to release", each.title, _count(each.grades, "grade")) for each in desk.releases[:most]]
        rows += [
            (f"Asked for help{_by(each)}", _quoted(each.question), at(each.asked_at))
            for each in desk.escalations[:most]
        ]
        rows += [(_say_unanswered(each), _quoted(each.question), at(each.asked_at)) for each in desk.unanswered[:most]]
        rows += [(f"Draft {each.kind}", each.title, self._say_draft(where, each)) for each in desk.drafts[:most]]
        if not rows:
            yield Note(f"Nothing waits for you in “{literal(where.title)}”.")
            return
        yield Table(("What", "Which", "When"), tuple(rows), f"Waiting in {where.title}")
        left = sum(desk.totals.values()) - len(rows)
        if left > 0:
            yield Note(f"And {left} more.")

    def _say_draft(self, where: EnrolledIn, draft: Draft) -> str:
        edited = f"edited {self._moment(where.class_id, draft.edited_at)}"
        if draft.publishes_at is not None:
            return f"waits to be published, {edited}"
        return f"new, {edited}" if draft.new else edited

    def _table(
        self, title: str, headings: tuple[str, ...], rows: Sequence[tuple[UUID, *tuple[str, ...]]]
    ) -> Iterable[Part]:
        if not rows:
            return
        shown = rows[:_MOST_ROWS]
        if len(self._classes) == 1:
            yield Table(headings, tuple(row[1:] for row in shown), title)
        else:
            yield Table(("Class", *headings), tuple((self._classes[i].title, *row) for i, *row in shown), title)
        if len(rows) > len(shown):
            yield Note(f"And {len(rows) - len(shown)} more.")

    def _moment(self, class_id: UUID, moment: datetime) -> str:
        own = self._time_zone
        return show_moment(moment, own if own != "UTC" else self._classes[class_id].time_zone)


def _show_grade(grade: ReleasedGrade) -> str:
    if grade.status is not GradeStatus.GRADED or grade.score is None:
        return grade.status.lower()
    score = f"{grade.score.normalize():f}"
    return score if grade.points is None else f"{score} of {grade.points.normalize():f}"


def _say_unanswered(question: Unanswered) -> str:
    what = "Answer broke off" if question.status is GenerationStatus.FAILED else "No answer found"
    return f"{what}{_by(question)}" + (f", {question.times} times" if question.times > 1 else "")


def _by(asked: Unanswered | OpenEscalation) -> str:
    return f", asked by {asked.asker}" if asked.asker else ""


def _quoted(question: str) -> str:
    return f"“{one_line(question, _SHORT)}”"


def _and_more(untold: Untold) -> str:
    left = untold.students - NAMED
    return f"{untold.names} and {left} more" if left > 0 else untold.names


def _count(number: int, of: str) -> str:
    return f"{number} {of}" if number == 1 else f"{number} {of}s"
