"""Looks at a school through its students' eyes, everywhere at once, and holds what is there against the model."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from adapters.slack.render import render_page
from core.events import Page, Place
from core.insights.desk import SHOWN
from core.replies import Choice, Table
from core.retrieval.search import Scope, search
from tests.properties.chat import PUBLIC_URL, Chat, Screen, channel, direct, links_on, rendered
from tests.properties.school import School, number
from tests.properties.things import MARK, Room, Thing, Version

QUESTION = "Where stands the word alone?"
_PLENTY = 1_000
_MOST_ROWS = 10  # of a table on a Home page
_OWN_PAGE = "citation.show"
_NAMED = {"assignment": "/assignments {}", "lesson": "/ask lesson:{} Where stands it?"}


@dataclass(frozen=True)
class Given:
    """A link that somebody was given, to a passage of a version; `press` opens the same for who asked."""

    url: str
    thing: Thing
    version: Version
    asker: str
    press: Choice
    public: bool


@dataclass
class Looking:
    """What students see now, by every way there is. Each function fails where it is not what it should be."""

    chat: Chat
    school: School
    given: list[Given]

    async def look(self, room: Room, turn: int) -> None:
        """Look at a class by every way, and by turns at this and that in it and at everybody's own pages."""
        name = sorted(room.students)[turn % len(room.students)]
        await self.lists(room, name)
        things = [each for each in self.school.things if each.room is room]
        assignments, lessons = ([each for each in things if each.kind == kind] for kind in ("assignment", "lesson"))
        await self.named(name, assignments[turn % len(assignments)])
        await self.named(name, lessons[turn % len(lessons)])
        await self.retrieval(room)
        await self.retrieval(room, lessons[turn % len(lessons)])
        found = self._scope(room, None)
        if found and turn % 2:
            shown = found[turn // 2 % len(found)].shown
            assert shown
            await self.ask(room, name, channel(room), shown.mark)
        names = sorted(self.school.people)
        await self.home(names[turn % len(names)])
        for at in range(3):  # each link in its turn
            if self.given:
                await self.page(self.given[(3 * turn + at) % len(self.given)])
        if self.given:
            await self.passage(self.given[turn % len(self.given)])

    async def look_everywhere(self) -> None:
        """Look at everything, with the eyes of everybody."""
        for room in self.school.rooms:
            for name in sorted(room.students):
                await self.lists(room, name)
            await self.retrieval(room)
        for each in self.school.things:
            await self.named(min(each.room.students), each)
            if each.kind == "lesson":
                await self.retrieval(each.room, each)
        for name in sorted(self.school.people):
            await self.home(name)
        for given in self.given:
            await self.page(given)
            await self.passage(given)

    def readable(self, name: str) -> set[str]:
        """Return every mark that a person may come across now."""
        taught = {f"c{room.index}" for room in self.school.rooms if name in room.teachers}
        studied = {f"c{room.index}" for room in self.school.rooms if name in room.students}
        marks = {each for each in self.school.allowed_marks() if each[:2] in studied}
        # Also of what was written a moment ago, and not taken.
        every = {f"c{room.index}m{at:05d}z" for room in self.school.rooms for at in range(1, self.school.marks + 1)}
        return marks | {each for each in every if each[:2] in taught}

    async def lists(self, room: Room, name: str) -> None:
        """Compare /lessons, /materials and /assignments."""
        place = channel(room)
        lessons = await self._rows(name, place, "/lessons", "No lessons are published yet.")
        assert lessons == [row[1:] for row in self.school.outline(room)]
        materials = await self._rows(name, place, "/materials", "No materials are published yet.")
        shelf = [(title, ", ".join(numbers) or "whole class") for _, title, numbers in self.school.shelf(room)]
        assert [row[:2] for row in materials] == shelf
        shown = [each for each in self.school.seen("material") if each.room is room and each.shown]
        assert {row[2].partition(".")[0] for row in materials} == {each.shown.mark for each in shown if each.shown}
        work = [each for each in self.school.seen("assignment") if each.room is room]
        work.sort(key=lambda each: each.position)
        listed = await self._rows(name, place, "/assignments", "No assignments are published yet.")
        assert sorted((int(row[0]), row[1], row[3]) for row in listed) == [
            (at, each.shown.title, str(each.shown.points)) for at, each in enumerate(work, start=1) if each.shown
        ]

    async def named(self, name: str, thing: Thing) -> None:
        """Open an assignment, or name a lesson in a question: what can't be seen can't be named either."""
        if thing.kind not in _NAMED or (thing.kind == "lesson" and thing.visible):
            return
        screen = await self.chat.type(name, channel(thing.room), _NAMED[thing.kind].format(thing.newest.title))
        shown = thing.shown if thing.visible else None
        if shown is None or shown.title != thing.newest.title:
            assert screen.failed
            assert screen.marks <= {thing.newest.title}
            return
        above = {thing.parent.shown.title} if thing.parent and thing.parent.shown else set()
        assert self._seen(name, screen) == {shown.title, shown.mark} | above

    async def _rows(self, name: str, place: Place, line: str, empty: str) -> list[tuple[str, ...]]:
        screen = await self.chat.type(name, place, line)
        self._seen(name, screen)
        tables = screen.tables()
        if not tables:
            assert screen.replies[0].text() == empty
            return []
        return list(tables[0].rows)

    def _seen(self, name: str, screen: Screen) -> set[str]:
        assert not screen.failed
        assert screen.marks <= self.readable(name), f"{name} sees what they may not: {screen.rendered}"
        return screen.marks

    async def retrieval(self, room: Room, lesson: Thing | None = None) -> None:
        """Search a class, or a lesson: all that can be found is what students see."""
        embedder, sessions = self.chat.app.answering.embedder, self.chat.app.sessions
        vector = await embedder.embed_query(QUESTION)
        things = self._scope(room, lesson)
        async with sessions() as session:
            hits = await search(
                session, Scope(room.id, lesson.id if lesson else None), QUESTION, vector,
                embedding_model=embedder.name, semantic=False, limit=_PLENTY,
            )  # fmt: skip
        found = sorted((hit.title, *MARK.findall(hit.text)) for hit in hits)
        assert found == sorted((each.shown.title, each.shown.mark) for each in things if each.shown)

    def _scope(self, room: Room, lesson: Thing | None) -> list[Thing]:
        """Return what students of a class can find, in it or in one of its lessons."""
        shown = [each for kind in ("lesson", "material") for each in self.school.seen(kind) if each.room is room]
        if lesson is None:
            return shown
        return [each for each in shown if each is lesson or (lesson.visible and lesson in each.lessons)]

    async def ask(self, room: Room, name: str, place: Place, mark: str, lesson: Thing | None = None) -> None:
        """Ask for a word; it is found, and cited, where it may be."""
        named = f"lesson:{number(lesson)} " if lesson else ""
        screen = await self.chat.type(name, place, f"/ask {named}Where stands the word {mark} alone?")
        if lesson is not None and not lesson.visible:
            assert screen.failed
            return
        scope = self._scope(room, lesson)
        said = self._seen(name, screen)
        texts = {each.shown.mark: each for each in scope if each.shown}
        named_here = {lesson.shown.title} if lesson is not None and lesson.shown is not None else set()
        assert said <= texts.keys() | named_here | {each.shown.title for each in scope if each.shown}
        assert (mark in "".join(reply.text() for reply in screen.replies)) == (mark in texts)
        for answer_id, cited in screen.cited():
            (quoted,) = set(MARK.findall(cited.quote))
            assert cited.url is not None
            thing = texts[quoted]
            assert thing.shown
            press = Choice("", _OWN_PAGE, f"{answer_id} {cited.number}")
            self.given.append(Given(cited.url, thing, thing.shown, name, press, public=not place.private))

    async def page(self, given: Given) -> None:
        """Follow a link that was given, and from it to the file: open while students see the thing, else shut."""
        status, page = await self.chat.open(given.url)
        version, thing = given.version, given.thing
        if not thing.visible:
            assert status == 404, page
            assert not MARK.findall(page)
            return
        assert status == 200
        assert set(MARK.findall(page)) == {version.title, version.mark}
        assert ("has been replaced" in page) is (thing.shown is not version)
        files = [each for each in links_on(page) if each.startswith("/file/")]
        assert len(files) == (thing.kind == "material" and not given.public)
        for each in files:
            status, file = await self.chat.open(PUBLIC_URL + each)
            assert status == 200
            assert set(MARK.findall(file)) == {version.mark}

    async def passage(self, given: Given) -> None:
        """Press a source under an old answer."""
        version = given.version
        screen = await self.chat.press(given.asker, direct(given.asker), given.press)
        assert screen.failed is not given.thing.visible
        assert screen.marks == ({version.title, version.mark} if given.thing.visible else set())

    async def home(self, name: str) -> None:
        """Compare somebody's Home page, and the questions they are offered."""
        screen = await self.chat.visit(name, Page.HOME)
        page = "\n".join(json.dumps(render_page(reply)) for reply in screen.replies)
        assert screen.marks | set(MARK.findall(page)) <= self.readable(name)
        for title, soon in (("Due in the next two weeks", True), ("Due later", False)):
            due = [
                each.shown.title
                for each in self.school.seen("assignment")
                if each.shown and name in each.room.students and each.shown.soon is soon
            ]
            rows = [row for table in screen.tables() if table.title == title for row in table.rows]
            assert len(rows) == min(len(due), _MOST_ROWS)
            assert {row[-2] for row in rows} <= set(due)
        waiting = self.school.waiting(name)
        for room in self.school.rooms:
            drafts = set(waiting.get(room.id, {}).get("drafts", {}))
            rows = [row for table in self._desks(screen, room, name) for row in table.rows if "Draft" in row[0]]
            assert len(rows) == min(len(drafts), SHOWN)
            assert {row[1] for row in rows} <= drafts
        offered = await self.chat.visit(name, Page.MESSAGES)
        lessons = [each for each in self.school.seen("lesson") if name in each.room.students | each.room.teachers]
        titles = {each.shown.title for each in lessons if each.shown}
        assert {choice.label for choice in offered.choices()} <= titles
        assert bool(offered.choices()) is bool(titles)
        assert offered.marks <= titles

    def _desks(self, screen: Screen, room: Room, name: str) -> list[Table]:
        if name not in room.teachers:
            return []
        return [table for table in screen.tables() if table.title.startswith("Waiting in")]

    async def news(self) -> None:
        """Send what is to be told: each room hears once of what it sees now, and nobody else of anything."""
        expected = sorted(self._news())
        posts = await self.chat.tell()
        lines: list[tuple[str, str, str]] = []
        for to, reply in posts:
            if not to.channel_id:
                name = to.user_id.removeprefix("U-")
                assert any(name in room.teachers for room in self.school.rooms), "students are told by their class"
                assert set(MARK.findall(rendered(reply))) <= self.readable(name)
                continue
            assert set(MARK.findall(rendered(reply))) <= self.school.allowed_marks()
            heading, _, said = reply.text().partition("\n\n")
            told = [(to.channel_id, re.sub(r": .*", "", line), heading) for line in said.splitlines()]
            lines += told
        # Several are told together as new where one of them is.
        assert sorted(line[:2] for line in lines) == [line[:2] for line in expected]
        for at, line, heading in lines:
            updated = (at, line, "Updated") in expected
            assert heading.startswith("**Updated" if updated else "**New") or updated

    def _news(self) -> list[tuple[str, str, str]]:
        said = []
        for thing in self.school.things:
            version = thing.shown
            if not thing.visible or version is None or version.number not in thing.news:
                continue
            updated = "Updated" if thing.news.pop(version.number) else "New"
            if not thing.room.announces:  # not any more
                continue
            thing.told.add(version.number)
            lesson = thing if thing.kind == "lesson" else thing.parent
            place = f"{number(lesson)} " if lesson and lesson.kind == "lesson" else ""
            line = f"- {thing.kind.capitalize()} {place}{version.title}"
            if thing.kind == "lesson" and thing.parent and thing.parent.shown:
                line += f" ({thing.parent.shown.title})"
            said.append((channel(thing.room).channel_id, line, updated))
        return said
