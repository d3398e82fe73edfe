"""/ask, and everything that leads to a question: a message, Retry, the wider modes, Stop."""

from __future__ import annotations

from uuid import UUID

from bot.commands.registry import FORM_ACTION, NO, YES, Command, Look, Option, OptionKind, Request, Run
from core.answering.answer import Answer, answer_question
from core.answering.history import PastAnswer, own_answer, request_stop, request_stop_all
from core.answering.question import Origin, Question, Thread, asks_nothing, check_question
from core.answering.replying import ASK_CLASS, ASK_GENERAL, RETRY, STOP
from core.content.browse import LessonItem, find_lesson, list_lessons
from core.enums import SourceMode
from core.errors import InvalidInput, NotFound
from core.events import Command as Typed
from core.events import Control, Event, Message
from core.inbox.deliver import answer_shown
from core.replies import Audience, Note, Reply, Text, say
from core.text import literal

STOP_WORD = "stop"
ASK = "ask"  # a question that was offered ready-made: the choice's value
_NAME = "ask"
_ASKING = frozenset({f"{FORM_ACTION}{_NAME}", ASK, RETRY, ASK_CLASS, ASK_GENERAL})


def asks(event: Event) -> bool:
    """Say whether an event is a question: it takes as long as its answer, and waits until its sender is known."""
    match event:
        case Message():
            return not _says_stop(event)
        case Typed():  # without a question it only opens a form, which can't wait
            return event.name.lower() == _NAME and bool(event.text.strip() or event.options)
        case Control():
            return event.action in _ASKING
        case _:
            return False


def _says_stop(event: Message) -> bool:
    return event.text.strip(" .!").casefold() == STOP_WORD


async def answer_message(request: Request, event: Message) -> Reply | None:
    """Answer a message. In a thread a teacher's reply, or mere thanks, is no question unless addressed to the bot.

    “Stop” ends what is being written for this person, for platforms offer no button under a text that still grows.
    """
    if not event.addressed and (request.visitor.teaches or asks_nothing(event.text)):
        return None
    if _says_stop(event):
        async with request.app.sessions.begin() as session:
            if await request_stop_all(session, request.person.user_id):
                return None
    await ask(request, event.text)
    return None


async def ask(
    request: Request, text: str, *, mode: SourceMode | None = None, lesson: str | None = None, private: bool = False
) -> Answer:
    """Answer a question in a mode: the one named, else LESSON where a lesson is named, else what the place says."""
    text = check_question(text)
    check_lesson(mode, lesson)
    found: LessonItem | None = None
    if lesson:
        mode = SourceMode.LESSON
        async with request.app.sessions() as session:
            found = await find_lesson(session, request.visitor.class_id, lesson)
    elif mode is None:
        mode, found = await _usual_mode(request)
    return await _answer(request, text, mode, found, private=private)


def check_lesson(mode: SourceMode | None, lesson: str | None) -> None:
    """Raise `InvalidInput` unless a lesson is named exactly where one is meant."""
    if mode is SourceMode.LESSON and not lesson:
        raise InvalidInput("LESSON mode needs a lesson: name it by number (2.3) or by title.", field="lesson")
    if lesson is not None and (not lesson.strip() or mode not in (None, SourceMode.LESSON)):
        raise InvalidInput("A lesson goes with LESSON mode only: name it by number (2.3) or by title.", field="lesson")


async def _usual_mode(request: Request) -> tuple[SourceMode, LessonItem | None]:
    """Return the mode of the thread's last answer, else the channel's, else CLASS."""
    encounter, class_id = request.encounter, request.visitor.class_id
    mode, lesson_id = SourceMode.CLASS, None
    if encounter.thread is not None and encounter.thread.class_id == class_id:
        mode, lesson_id = encounter.thread.mode, encounter.thread.lesson_unit_id
    elif encounter.bound is not None and encounter.bound.lesson_unit_id is not None:
        mode, lesson_id = SourceMode.LESSON, encounter.bound.lesson_unit_id
    if mode is not SourceMode.LESSON:
        return mode, None
    lesson = await _lesson(request, lesson_id)
    # A lesson that was taken back leaves its thread and its channel with the class.
    return (mode, lesson) if lesson else (SourceMode.CLASS, None)


async def _lesson(request: Request, lesson_id: UUID | None) -> LessonItem | None:
    async with request.app.sessions() as session:
        lessons = await list_lessons(session, request.visitor.class_id)
    return next((item for item in lessons if item.id == lesson_id), None)


async def audience_here(request: Request, *, private: bool = False) -> Audience:
    """Return who may read an answer: everybody only in the class's own channel, where nobody from outside reads along.

    Who is not in the channel's class never gets this far.
    """
    place, bound = request.event.place, request.encounter.bound
    if private or place.private or place.shared or bound is None or await request.responder.shared():
        return Audience.PERSON
    return Audience.HERE


async def _answer(
    request: Request, text: str, mode: SourceMode, lesson: LessonItem | None, *, private: bool = False
) -> Answer:
    visitor, event, place = request.visitor, request.event, request.event.place
    platform = event.sender.platform
    audience = await audience_here(request, private=private)
    thread = None
    if audience is Audience.HERE:
        thread_id = place.thread_id or await request.responder.open_thread(_opening(request, text))
        if thread_id is None:
            audience = Audience.PERSON
        else:
            thread = Thread(platform, place.channel_id, thread_id)
    await request.responder.working()
    origin = None
    if request.inbox_event_id is not None:
        message_id = event.message_id if isinstance(event, Message) else ""
        origin = Origin(request.inbox_event_id, platform, place.channel_id, place.thread_id, message_id)
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
        origin=origin,
    )
    return await answer_question(request.app.answering, question, request.responder, audience=audience)


def _opening(request: Request, text: str) -> Reply:
    """Return what opens the thread of a question that was no message: others see who asks what."""
    return Reply((Text(text), Note(f"{literal(request.visitor.name)} asks")), Audience.HERE)


async def run_ask(request: Request) -> Reply | None:
    """Serve /ask."""
    options = request.options
    mode = SourceMode(options["mode"]) if "mode" in options else None
    private = options.get("private") == YES
    await ask(request, options.get("question", ""), mode=mode, lesson=options.get("lesson"), private=private)
    return None


async def ask_ready_made(request: Request) -> Reply | None:
    """Serve a question that was offered."""
    await ask(request, request.event.value if isinstance(request.event, Control) else "")
    return None


async def ask_again(request: Request, mode: SourceMode | None) -> Reply | None:
    """Ask an earlier question again, in its own mode or a wider one; what was asked in private stays private."""
    past = await _own_answer(request)
    mode = mode or past.mode
    lesson = None
    if mode is SourceMode.LESSON:
        lesson = await _lesson(request, past.lesson_unit_id)
        if lesson is None:
            raise NotFound("That lesson is not published any more.")
    await _answer(request, past.question, mode, lesson, private=past.private)
    return None


async def _own_answer(request: Request) -> PastAnswer:
    async with request.app.sessions() as session:
        past = await own_answer(session, request.visitor.user_id, _answer_id(request))
    if past.class_id != request.visitor.class_id:
        raise NotFound("That question belongs to another class.")
    return past


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
    """Serve Stop: the process that writes the answer sees it at its next save.

    The value is an answer's id, or the platform's ids of the messages that were being written.
    """
    event = request.event
    words = event.value.split() if isinstance(event, Control) else []
    named = [_as_uuid(word) for word in words]
    stopping = False
    async with request.app.sessions.begin() as session:
        for word, answer_id in zip(words, named, strict=True):
            found = answer_id or await answer_shown(session, event.sender.platform, event.place.channel_id, word)
            if found is not None:
                stopping |= await request_stop(session, request.person.user_id, found)
    # The platform has ended its own messages already, whatever became of them here.
    return None if stopping or None in named else say("That answer is finished already.")


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _answer_id(request: Request) -> UUID:
    answer_id = _as_uuid(request.event.value) if isinstance(request.event, Control) else None
    if answer_id is None:
        raise NotFound("There is no such answer.")
    return answer_id


COMMANDS = (
    Command(
        _NAME,
        "Ask a question about your class",
        Look(run_ask),
        (
            Option("question", "What you want to know", OptionKind.LONG, required=True, rest=True),
            Option(
                "mode",
                "What to answer from: one lesson, the class's material, or general knowledge",
                OptionKind.CHOICE,
                choices=tuple(SourceMode),
            ),
            Option("lesson", "The lesson to answer from, by number or title", OptionKind.LESSON),
            Option("private", "Whether only you see the answer", OptionKind.CHOICE, choices=(YES, NO)),
        ),
    ),
)
CONTROLS: dict[str, Run] = {
    RETRY: Look(retry),
    ASK_CLASS: Look(ask_class),
    ASK_GENERAL: Look(ask_general),
    STOP: stop,
    ASK: Look(ask_ready_made),
}
