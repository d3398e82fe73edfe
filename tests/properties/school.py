"""A model of two classes and of what their students see, in plain Python: it shares no code with the product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from tests.properties.things import Grade, Room, Thing


@dataclass
class School:
    """Everything."""

    rooms: list[Room]
    people: dict[str, UUID]
    things: list[Thing] = field(default_factory=list)
    grades: list[Grade] = field(default_factory=list)
    marks: int = 0

    def new_mark(self, room: Room) -> str:
        """Return a text that stands nowhere else."""
        self.marks += 1
        return f"c{room.index}m{self.marks:05d}z"

    def pick(
        self, at: int, *kinds: str, likely: Callable[[Thing], bool] = lambda _: True, deleted: bool = False
    ) -> Thing:
        """Choose a thing: seven times of eight one of the likely ones, where there are any; as often of each kind."""
        pool = [each for each in self.things if each.kind in kinds]
        if at % 8:
            pool = [each for each in pool if each.deleted is deleted and likely(each)] or pool
        present = sorted({each.kind for each in pool})
        which, kind = divmod(at // 8, len(present))
        pool = [each for each in pool if each.kind == present[kind]]
        return pool[which % len(pool)]

    def at(self, thing: Thing, *kinds: str) -> int:
        """Return what makes `pick` choose this thing."""
        present = sorted({each.kind for each in self.things if each.kind in kinds})
        which = [each for each in self.things if each.kind == thing.kind].index(thing)
        return 8 * (which * len(present) + present.index(thing.kind))

    def siblings(self, kind: str, room: Room, parent: Thing | None) -> list[Thing]:
        """Return the living things that are numbered together."""
        return [
            each
            for each in self.things
            if each.kind == kind
            and each.room is room
            and not each.deleted
            and (kind != "lesson" or each.parent is parent)
        ]

    def last_place(self, kind: str, room: Room, parent: Thing | None) -> int:
        return max((each.position for each in self.siblings(kind, room, parent)), default=0) + 1

    def put(self, thing: Thing, to: int, parent: Thing | None) -> bool:
        """Give a thing another place, and say whether anything has another number or parent now."""
        others = [each for each in self.siblings(thing.kind, thing.room, parent) if each is not thing]
        others.sort(key=lambda each: each.position)
        before = [(each, each.position, each.parent) for each in (*others, thing)]
        up = parent is not thing.parent or to <= thing.position
        if thing.kind in ("material", "assignment"):
            ahead = self._before_number(others, to)
        else:
            ahead = [each for each in others if (each.position < to if up else each.position <= to)]
        thing.parent = parent
        for position, each in enumerate([*ahead, thing, *others[len(ahead) :]], start=1):
            each.position = position
        return before != [(each, each.position, each.parent) for each in (*others, thing)]

    def join(self, material: Thing, lesson: Thing) -> None:
        """Put a material into a lesson, last."""
        material.lessons[lesson] = max((each.lessons.get(lesson, 0) for each in self.things), default=0) + 1

    def put_in_lesson(self, material: Thing, lesson: Thing, to: int) -> bool:
        """Give a material another place in a lesson, and say whether it has another number now."""
        others = [each for each in self.things if lesson in each.lessons and each is not material and not each.deleted]
        others.sort(key=lambda each: each.lessons[lesson])
        before = material.lessons[lesson]
        ahead = self._before_number(others, to)
        for at, each in enumerate([*ahead, material, *others[len(ahead) :]], start=1):
            each.lessons[lesson] = at
        return before != material.lessons[lesson]

    def _before_number(self, others: list[Thing], to: int) -> list[Thing]:
        """Return what comes before number `to`: of assignments people number what students see, then what follows."""
        ahead: list[Thing] = []
        numbered = 0
        for at, each in enumerate(others):
            if numbered == to - 1:
                break
            ahead.append(each)
            follows = not any(later.visible for later in others[at:])
            numbered += each.kind == "material" or each.visible or follows
        return ahead

    def parts(self, module: Thing) -> list[Thing]:
        """Return what is published with a module: itself, and what has a draft in it."""
        lessons = [each for each in self.things if each.kind == "lesson" and each.parent is module and not each.deleted]
        inside = [
            each
            for each in self.things
            if not each.deleted
            and each.draft
            and (each in lessons or each.parent is module or each.parent in lessons or set(each.lessons) & set(lessons))
        ]
        return [module, *inside] if module.to_publish else inside

    def seen(self, kind: str) -> list[Thing]:
        return [each for each in self.things if each.kind == kind and each.visible]

    def allowed_marks(self) -> set[str]:
        """Return every text that some student may come across."""
        marks = {grade.released[1] for grade in self.grades if grade.visible and grade.released}
        for thing in self.things:
            if thing.visible and thing.shown:
                marks |= {thing.shown.title, thing.shown.mark, *(thing.shown.passages or ())}
        return marks

    def views(self) -> dict[str, set[tuple[object, ...]]]:
        """Return the rows that the views should have."""
        text = {"module": "description", "lesson": "body", "assignment": "instructions"}
        rows: dict[str, set[tuple[object, ...]]] = {name: set() for name in COLUMNS}
        names = {"module": "modules", "lesson": "lesson_units", "material": "materials", "assignment": "assignments"}
        for kind, name in names.items():
            for thing in self.seen(kind):
                assert thing.shown
                mark, parent = thing.shown.mark, thing.parent
                row: dict[str, object] = {
                    "id": str(thing.id),
                    "class_id": str(thing.room.id),
                    "position": thing.position,
                    "title": mark,
                    "filename": mark,
                    "module_id": str(parent.id) if parent and parent.kind == "module" else None,
                    "lesson_unit_id": str(parent.id) if parent and parent.kind == "lesson" else None,
                    "module_position": parent.position if parent else None,
                }
                if kind in text:
                    row[text[kind]] = f"{mark} in full"
                rows[name].add(tuple(row[column] for column in COLUMNS[name]))
                if thing.indexed:
                    place = tuple(str(thing.id) if kind == each else None for each in ("lesson", "material"))
                    rows["sources"].add((str(thing.room.id), *place, mark))
                    rows["chunks"] |= {(str(thing.room.id), *place, mark, each) for each in thing.shown.passages or ()}
                if kind == "material":
                    rows["lesson_unit_materials"] |= {
                        (str(lesson.id), str(thing.id)) for lesson in thing.lessons if lesson.visible
                    }
        rows["grades"] = {
            (str(each.assignment.room.id), str(each.assignment.id), str(self.people[each.student]), *each.released)
            for each in self.grades
            if each.visible and each.released
        }
        return rows

    def outline(self, room: Room) -> list[tuple[UUID, str, str, str]]:
        """Return what `list_lessons` should: id, number, title, module's title."""
        lessons = [each for each in self.seen("lesson") if each.room is room]
        lessons.sort(key=lambda each: (each.parent.position, each.position) if each.parent else ())
        return [
            (each.id, number(each), each.shown.title, each.parent.shown.title)
            for each in lessons
            if each.shown and each.parent and each.parent.shown
        ]

    def shelf(self, room: Room) -> list[tuple[UUID, str, tuple[str, ...]]]:
        """Return what `list_materials` should: id, title, numbers of the lessons."""
        found = []
        for each in self.seen("material"):
            lessons = [lesson for lesson in each.lessons if lesson.visible]
            places = sorted((*place(lesson), each.lessons[lesson]) for lesson in lessons)
            if each.room is room and each.shown:
                key = (not places, min(places, default=()), each.position)  # what is in no lesson comes last
                numbers = tuple(f"{module}.{lesson}" for module, lesson, _ in places)
                found.append((key, (each.id, each.shown.title, numbers)))
        return [item for _, item in sorted(found, key=lambda pair: pair[0])]

    def work(self, room: Room) -> list[tuple[UUID, str, str]]:
        """Return what `list_assignments` should: id, title, number of the lesson."""
        found = []
        for each in self.seen("assignment"):
            if each.room is room and each.shown:
                lesson = each.parent if each.parent and each.parent.kind == "lesson" else None
                key = (lesson is None, place(lesson) if lesson else (0, 0), each.position)
                found.append((key, (each.id, each.shown.title, number(lesson) if lesson else "")))
        return [item for _, item in sorted(found, key=lambda pair: pair[0])]

    def due(self, name: str) -> set[tuple[UUID, str]]:
        """Return what is due for a person, all of which is: class, title."""
        return {
            (each.room.id, each.shown.title)
            for each in self.seen("assignment")
            if each.shown and name in each.room.students
        }

    def grades_of(self, name: str) -> set[tuple[UUID, str, int, str]]:
        """Return the grades a person sees: class, title, score, feedback."""
        return {
            (each.assignment.room.id, each.assignment.shown.mark, *each.released)
            for each in self.grades
            if each.visible and each.released and each.assignment.shown and each.student == name
        }

    def waiting(self, name: str) -> dict[UUID, dict[str, dict[str, int]]]:
        """Return what waits for a teacher, by class and kind: its title, and how many grades."""
        found: dict[UUID, dict[str, dict[str, int]]] = {}
        for thing in self.things:
            if name not in thing.room.teachers or thing.room.deleted:
                continue
            desk = found.setdefault(thing.room.id, {"drafts": {}, "releases": {}})
            if thing.stands and thing.draft:
                desk["drafts"][thing.draft.title] = 1
            changed = [
                each
                for each in self.grades
                if each.assignment is thing and each.released != each.draft and each.student in thing.room.students
            ]
            if changed and not thing.deleted:
                desk["releases"][(thing.shown or thing.newest).mark] = len(changed)
        return {room: desk for room, desk in found.items() if any(desk.values())}


COLUMNS = {
    "modules": ("id", "class_id", "position", "title", "description"),
    "lesson_units": ("id", "class_id", "module_id", "module_position", "position", "title", "body"),
    "materials": ("id", "class_id", "position", "title", "filename"),
    "lesson_unit_materials": ("lesson_unit_id", "material_id"),
    "assignments": ("id", "class_id", "module_id", "lesson_unit_id", "position", "title", "instructions"),
    "sources": ("class_id", "lesson_unit_id", "material_id", "title"),
    "chunks": ("class_id", "lesson_unit_id", "material_id", "title", "text"),
    "grades": ("class_id", "assignment_id", "student_user_id", "score", "feedback"),
}


def place(lesson: Thing) -> tuple[int, int]:
    assert lesson.parent
    return lesson.parent.position, lesson.position


def number(lesson: Thing) -> str:
    return "{}.{}".format(*place(lesson))
