"""/ask, and everything that leads to a question: a message, Retry, the wider modes, Stop."""

from __future__ import annotations

from uuid import UUID

from bot.commands.registry import Command, Option, OptionKind, Request
from core.answering.answer import Answer, answer_question
from core.answering.history import own_answer, request_stop
from core.answering.question import Question, Thread, check_question
from core.answering.replying import ASK_CLASS, ASK_GENERAL, RETRY, STOP
from core.content.browse import LessonItem, find_lesson, list_lessons
from core.enums import SourceMode
from core.errors import InvalidInput, NotFound
from core.events import Control
from core.replies import Audience, Reply, say


async def ask(request: Request, text: str, *, mode: SourceMode | None = None, lesson: str | None = None) -> Answer:
    """Answer a question in a mode: the one named, else LESSON where a lesson is named, else CLASS."""
    text = check_question(text)
    check_lesson(mode, lesson)
    if mode is None:
        mode = SourceMode.LESSON if lesson else SourceMode.CLASS
    found: LessonItem | None = None
    if lesson:
        async with request.app.sessions() as session:
            found = await find_lesson(session, request.visitor.class_id, lesson)
    return await _answer(request, text, mode, found)


def check_lesson(mode: SourceMode | None, lesson: str | None) -> None:
    """Raise `InvalidInput` unless a lesson is named exactly where one is meant."""
    if mode is SourceMode.LESSON and not lesson:
        raise InvalidInput("LESSON mode needs a lesson: name it by number (2.3) or by title.")
    if lesson is not None and (not lesson.strip() or mode not in (None, SourceMode.LESSON)):
        raise InvalidInput("A lesson goes with LESSON mode only: name it by number (2.3) or by title.")


async def _answer(request: Request, text: str, mode: SourceMode, lesson: LessonItem | None) -> Answer:
    visitor, place = request.visitor, request.event.place
    thread = None
    if not place.private and place.thread_id is not None:
        thread = Thread(request.event.sender.platform, place.channel_id, place.thread_id)
    question = Question(
        user_id=visitor.user_id,
        text=text,
        mode=mode,
        class_id=visitor.class_id,
        class_title=visitor.class_title,
        language=visitor.language,
        lesson_unit_id=lesson.id if lesson else None,
        lesson_title=lesson.title if lesson else "",
        thread=thread,
    )
    audience = Audience.PERSON if place.private else Audience.HERE
    return await answer_question(request.app.answering, question, request.responder, audience=audience)


async def run_ask(request: Request) -> Reply | None:
    """Serve /ask."""
    mode = SourceMode(request.options["mode"]) if "mode" in request.options else None
    await ask(request, request.options.get("question", ""), mode=mode, lesson=request.options.get("lesson"))
    return None


async def ask_again(request: Request, mode: SourceMode | None) -> Reply | None:
    """Ask an earlier question again, in its own mode or a wider one."""
    async with request.app.sessions() as session:
        past = await own_answer(session, request.visitor.user_id, _answer_id(request))
        if past.class_id != request.visitor.class_id:
            raise NotFound("That question belongs to another class.")
        mode = mode or past.mode
        lesson = None
        if mode is SourceMode.LESSON:
            lessons = await list_lessons(session, request.visitor.class_id)
            lesson = next((item for item in lessons if item.id == past.lesson_unit_id), None)
            if lesson is None:
                raise NotFound("That lesson is not published any more.")
    await _answer(request, past.question, mode, lesson)
    return None


async def retry(request: Request) -> Reply | None:
    """Serve the choice “Try again”."""
    return await ask_again(request, None)


async def ask_class(request: Request) -> Reply | None:
    """Serve the choice “Search the whole class”."""
    return await ask_again(request, SourceMode.CLASS)


async def ask_general(request: Request) -> Reply | None:
    """Serve the choice “Answer from general knowledge”."""
    return await ask_again(request, SourceMode.GENERAL)


async def stop(request: Request) -> Reply | None:
    """Serve Stop: the process that writes the answer sees it at its next save."""
    async with request.app.sessions.begin() as session:
        stopping = await request_stop(session, request.visitor.user_id, _answer_id(request))
    return None if stopping else say("That answer is finished already.")


def _answer_id(request: Request) -> UUID:
    value = request.event.value if isinstance(request.event, Control) else ""
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound("There is no such answer.") from error


COMMANDS = (
    Command(
        "ask",
        "Ask a question about your class",
        run_ask,
        (
            Option("question", "What you want to know", required=True, rest=True),
            Option(
                "mode",
                "What to answer from: one lesson, the class's material, or general knowledge",
                OptionKind.CHOICE,
                choices=tuple(SourceMode),
            ),
            Option("lesson", "The lesson to answer from, by number or title", OptionKind.LESSON),
        ),
    ),
)
CONTROLS = {RETRY: retry, ASK_CLASS: ask_class, ASK_GENERAL: ask_general, STOP: stop}
