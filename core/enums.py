"""The enumerations of the data model, native in PostgreSQL."""

from __future__ import annotations

from enum import StrEnum, auto


class _Upper(StrEnum):
    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:  # noqa: ARG004
        return name


class GlobalRole(_Upper):
    """What a person may do outside classes."""

    UNASSIGNED = auto()
    STUDENT = auto()
    TEACHER = auto()
    ADMIN = auto()


class MembershipRole(_Upper):
    """What a person may do inside one class."""

    STUDENT = auto()
    TEACHER = auto()


class Platform(_Upper):
    """Where a conversation takes place."""

    SLACK = auto()
    DISCORD = auto()
    TERMINAL = auto()


class LinkMethod(_Upper):
    """How a workspace user was tied to an app user."""

    EMAIL = auto()
    CODE = auto()
    OTP = auto()
    OPERATOR = auto()


class ChannelPurpose(_Upper):
    """What a bound channel is for."""

    CLASS = auto()
    TEACHERS = auto()


class VisibilityState(_Upper):
    """Whether a revision may still change."""

    DRAFT = auto()
    PUBLISHED = auto()


class ProcessingStatus(_Upper):
    """How far a revision's text is on its way into the index."""

    PENDING = auto()
    PROCESSING = auto()
    READY = auto()
    FAILED = auto()


class MaterialKind(_Upper):
    """A file, or a question with a teacher's answer."""

    FILE = auto()
    QA = auto()


class AiPolicy(_Upper):
    """How far the bot may help with an assignment."""

    OPEN = auto()
    HINTS = auto()
    OFF = auto()


class GradeStatus(_Upper):
    """What a grade row says besides its score."""

    UNGRADED = auto()
    GRADED = auto()
    EXCUSED = auto()
    MISSING = auto()


class MessageRole(_Upper):
    """Who wrote a chat message."""

    USER = auto()
    ASSISTANT = auto()


class GenerationStatus(_Upper):
    """How far an answer is."""

    STREAMING = auto()
    COMPLETED = auto()
    STOPPED = auto()
    FAILED = auto()


class SourceMode(_Upper):
    """What an answer may draw on."""

    LESSON = auto()
    CLASS = auto()
    GENERAL = auto()


class FeedbackValue(_Upper):
    """Thumbs up or down."""

    UP = auto()
    DOWN = auto()


class FeedbackReason(_Upper):
    """Why a thumb points down."""

    WRONG = auto()
    UNCLEAR = auto()
    NOT_IN_MATERIAL = auto()
    TOO_MUCH = auto()


class EscalationState(_Upper):
    """How far a call for a teacher is."""

    OPEN = auto()
    CLAIMED = auto()
    RESOLVED = auto()


class ActorKind(_Upper):
    """Who caused a change."""

    PERSON = auto()
    SYSTEM = auto()
    COMMAND_LINE = auto()


class BackendKind(_Upper):
    """What speaks to a model backend."""

    OPENAI = auto()
    LANGCHAIN = auto()
    EMBEDDED = auto()


class ModelPurpose(_Upper):
    """What a model is used for."""

    CHAT = auto()
    EMBEDDING = auto()


class InboxState(_Upper):
    """How far a platform event is."""

    RECEIVED = auto()
    WORKING = auto()
    DONE = auto()
    FAILED = auto()


class ActionKind(_Upper):
    """What a scheduled action does when its time comes."""

    PUBLISH = auto()
    RELEASE = auto()
    UNPUBLISH = auto()


class ActionState(_Upper):
    """How far a scheduled action is."""

    PENDING = auto()
    DONE = auto()
    FAILED = auto()
    CANCELLED = auto()


class NotificationState(_Upper):
    """How far a notification is. INTENDED: about to be posted, so a restart looks for it before posting again."""

    PENDING = auto()
    INTENDED = auto()
    SENT = auto()
    FAILED = auto()
