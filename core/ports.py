"""What core needs from outside, as small Protocols. Adapters provide them; `bot/bootstrap.py` chooses which."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import numpy as np
import numpy.typing as npt
from sqlalchemy.ext.asyncio import AsyncSession

from core.documents import Reading
from core.events import Attachment, Event
from core.replies import Audience, Reply

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Source:
    """One retrieved passage as an answerer sees it. `number` is what an inline `[1]` refers to, from 1.

    `context` is the path to it: the document's title and the headings it stands under.
    """

    number: int
    title: str
    place: str
    text: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a chat: `role` is `user` or `assistant`."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything an answerer gets. Sources are data: no answerer may follow instructions found in them."""

    instructions: str
    question: str
    sources: tuple[Source, ...] = ()
    history: tuple[Turn, ...] = ()
    language: str = "english"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call cost, in the provider's tokens; sent once, as the stream's last item, where it is known."""

    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class ChatModel(Protocol):
    """Writes an answer as a stream."""

    @property
    def name(self) -> str:
        """The model's name, as stored on the answers it writes."""
        ...

    @property
    def generative(self) -> bool:
        """Whether it can rewrite, talk and reason; False for the embedded extractive answerer."""
        ...

    def stream(self, prompt: Prompt, *, max_tokens: int = 700) -> AsyncGenerator[str | Usage, None]:
        """Yield text as it is written, then perhaps one `Usage`. Raises `ModelUnavailable`, `ModelRefused`."""
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...


class Embedder(Protocol):
    """Turns text into unit vectors."""

    @property
    def name(self) -> str:
        """Identifies the vector space: vectors of two names are never compared."""
        ...

    @property
    def dimension(self) -> int:
        """The vectors' length."""
        ...

    @property
    def semantic(self) -> bool:
        """Whether closeness means closeness in meaning; False for hashed words, whose sign bits say nothing."""
        ...

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return float32 of shape (len(texts), dimension), L2-normalised. Raises `ModelUnavailable`, `ModelRefused`."""
        ...

    async def embed_query(self, text: str) -> Vectors:
        """Return float32 of shape (dimension,), L2-normalised. Raises `ModelUnavailable`, `ModelRefused`."""
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...


class DocumentReader(Protocol):
    """Parses a file and cuts it into passages, off the event loop, within a time that a hostile file can't exceed."""

    async def __call__(self, data: bytes, filename: str, *, size: int, overlap: int) -> Reading:
        """Read a file for search; `size` and `overlap` in characters. Raises `Unreadable` and its children."""
        ...


class Storage(Protocol):
    """Keeps uploaded files by key."""

    async def put(self, key: str, data: bytes) -> None:
        """Store, replacing what the key held. Raises `StorageUnavailable`."""
        ...

    async def get(self, key: str) -> bytes:
        """Read whole. Raises `NotFound`, `StorageUnavailable`."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a file; one that is not there is forgotten already. Raises `StorageUnavailable`."""
        ...

    async def written_before(self, folder: str, moment: datetime) -> list[str]:
        """Return the keys in a folder (`rosters`) last written before an aware moment. Raises `StorageUnavailable`."""
        ...


class Queue(Protocol):
    """Hands work to the worker processes."""

    async def enqueue(
        self, session: AsyncSession, entrypoint: str, payload: UUID, *, dedupe: str | None = None
    ) -> None:
        """Add a job in the session's transaction, so that a rollback takes it back."""
        ...


class OneTimePasswords(Protocol):
    """Proves that somebody reads the mail of an address: sends a code there, and checks it."""

    async def check(self) -> None:
        """Return if the service answers and takes us for who we are. Raises `Unavailable`."""
        ...

    async def send(self, email: str) -> None:
        """Send a code. Raises `LimitReached`, `Unavailable`."""
        ...

    async def verify(self, email: str, code: str) -> UUID:
        """Return the service's id of whom the address belongs to: the verified `sub`.

        Raises `InvalidInput` (wrong or expired), `LimitReached`, `Unavailable`.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...


class AnswerStream(Protocol):
    """An answer being shown as it is written."""

    async def append(self, text: str) -> None:
        """Show more text."""
        ...

    async def close(self, reply: Reply) -> None:
        """Show the answer whole: `reply` holds all of its text again, then sources, notes and choices."""
        ...


@dataclass(frozen=True, slots=True)
class Profile:
    """What a platform says about a user of its own. `email` only where the platform has verified it.

    `guest`: let in by invitation, to some channels only. `stranger`: of another organisation, or a bot.
    """

    email: str | None = None
    name: str = ""
    guest: bool = False
    stranger: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """One message of ours on a platform; `message_id` is None while it is not known whether it was posted."""

    answer_id: UUID
    channel_id: str
    message_id: str | None
    thread_id: str | None = None


class LiveReply(Protocol):
    """A reply that can be put into other words where it stands."""

    async def change(self, reply: Reply) -> None:
        """Put a reply in place of what stands there.

        Raises `Unavailable` (it may work later), `NotPermitted` (never again).
        """
        ...


class Responder(Protocol):
    """The other end of one event: carries replies back to where it came from, and tells what the platform knows.

    Whatever a platform refuses is dealt with inside: a reply that can't be shown where it was asked goes to the person
    alone. Raises `Unavailable` when nothing can be shown at all.
    """

    async def send(self, reply: Reply) -> None:
        """Show a whole reply to its audience; a form is opened where that is possible."""
        ...

    async def send_live(self, reply: Reply) -> LiveReply | None:
        """Show a whole reply to the person alone, where it can be changed; None where it stands as it is.

        It may be changed after the event was served.
        """
        ...

    async def begin(self, answer_id: UUID, audience: Audience) -> AnswerStream:
        """Open an answer that is shown as it is written; the surface offers Stop while it lasts."""
        ...

    async def open_thread(self, opening: Reply) -> str | None:
        """Post in the channel what opens a thread, for a question that came without one; answers go there from now on.

        Returns the thread's id; None where the bot may not post, so that the answer has to go to the person alone.
        """
        ...

    async def working(self) -> None:
        """Show that the question is being worked on, until something is sent or begun. Never raises."""
        ...

    async def profile(self) -> Profile | None:
        """Return what the platform says about the sender; None where it says nothing."""
        ...

    async def shared(self) -> bool:
        """Say whether people of another organisation read where it happened; True where that can't be known."""
        ...

    async def readers(self) -> frozenset[str] | None:
        """Return the platform's ids of the people who read here, without bots; None where that can't be known."""
        ...

    async def fetch(self, attachment: Attachment) -> bytes:
        """Return a file that came with the event. Raises `Oversized`, `NotFound`, `Unavailable`."""
        ...

    async def retract(self, posts: Sequence[Post]) -> None:
        """Take back what a process that died had posted, whether or not it could note so. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom to tell by themselves: a person (`user_id`), in private, or everybody who reads in `channel_id`.

    Ids are the platform's. Where a person takes no direct messages, `direct` is the private thread they had before, and
    `channels` are where one can be begun.
    """

    workspace_id: str
    user_id: str = ""
    channel_id: str = ""
    direct: str = ""
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """Messages of ours that stand in a channel, thread or direct messages, in order."""

    workspace_id: str
    channel_id: str
    message_ids: tuple[str, ...]


class Messenger(Protocol):
    """Tells people what they did not ask for.

    Every method raises `NotPermitted` where that can't be, for good, and `Unavailable` where nobody knows what came of
    it, so that it is to be tried again with `since`.
    """

    async def tell(
        self,
        to: Addressee,
        reply: Reply,
        notice: UUID,
        *,
        since: datetime | None = None,
        settle: Callable[[str], Awaitable[object]],
    ) -> Shown:
        """Post a reply once, tagged with a notice's id; with `since` what was posted since then is looked for first.

        `settle` is awaited with a private thread's id before anything is posted there.
        """
        ...

    async def find(self, to: Addressee, notice: UUID, *, since: datetime) -> Shown | None:
        """Return what was posted for a notice since then, as far as its tag is found."""
        ...

    async def change(self, shown: Shown, reply: Reply) -> None:
        """Put a reply in place of what stands there."""
        ...

    async def remove(self, shown: Shown) -> None:
        """Delete what stands there; what is gone already is no error."""
        ...


class Inbox(Protocol):
    """Takes in what people do.

    `route` is what the surface needs to answer later: short strings, and no secrets but those that die by themselves,
    such as Slack's `response_url`.
    """

    async def accept(self, event: Event, route: Mapping[str, str], responder: Responder | None = None) -> bool:
        """Store an event and begin to serve it; return once it is stored. False for one that was here before.

        Without a `responder` the surface is asked for one by event and route. Raises `DatabaseUnavailable`: then it
        must not be acknowledged.
        """
        ...
