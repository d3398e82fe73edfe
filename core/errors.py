"""Every error a person can meet. A class's docstring is the sentence they read unless the raiser knows a better one."""

from __future__ import annotations

import inspect
from typing import ClassVar
from uuid import UUID


class HomeroomError(Exception):
    """Something went wrong on our side. Nothing was lost; please try again."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str | None = None, **data: object) -> None:
        """Take the sentence for the person (default: the class docstring) and data for logs and adapters."""
        self.sentence = sentence or inspect.cleandoc(type(self).__doc__ or "")
        self.data = data
        super().__init__(self.sentence)


# What the person can mend.


class InvalidInput(HomeroomError):
    """I could not make sense of that."""

    code = "invalid_input"
    exit_code = 2


class NotFound(HomeroomError):
    """There is nothing by that name here."""

    code = "not_found"
    exit_code = 3


class Ambiguous(HomeroomError):
    """Several things go by that name."""

    code = "ambiguous"
    exit_code = 3

    def __init__(self, sentence: str | None = None, *, candidates: tuple[str, ...] = (), **data: object) -> None:
        """Keep the candidates, best first, so that a surface can offer them."""
        super().__init__(sentence, **data)
        self.candidates = candidates


class ChooseClass(Ambiguous):
    """You are in several classes; say which one you mean."""

    code = "choose_class"

    def __init__(
        self,
        sentence: str | None = None,
        *,
        candidates: tuple[str, ...] = (),
        classes: tuple[tuple[UUID, str], ...] = (),
        **data: object,
    ) -> None:
        """Keep the classes by id and title, so that a surface can offer them; the candidates are their codes."""
        super().__init__(sentence, candidates=candidates, **data)
        self.classes = classes


class NotLinked(HomeroomError):
    """I don't know who you are here yet."""

    code = "not_linked"
    exit_code = 4


class NotPermitted(HomeroomError):
    """You may not do that here."""

    code = "not_permitted"
    exit_code = 4


class Conflict(HomeroomError):
    """Somebody changed this meanwhile, so nothing was saved."""

    code = "conflict"
    exit_code = 5


class NotReady(HomeroomError):
    """That is not ready yet."""

    code = "not_ready"
    exit_code = 5


class LimitReached(HomeroomError):
    """You have reached a limit. Please try again later."""

    code = "limit_reached"
    exit_code = 6


# What somebody else has to mend.


class LinkingUnavailable(HomeroomError):
    """Linking by email is not set up here. Ask your teacher for a code instead."""

    code = "linking_unavailable"
    exit_code = 7


class Unavailable(HomeroomError):
    """A service that Homeroom needs does not answer. Please try again in a moment."""

    code = "unavailable"
    exit_code = 7


class DatabaseUnavailable(Unavailable):
    """The database can't be reached."""

    code = "database_unavailable"


class StorageUnavailable(Unavailable):
    """The file store can't be reached."""

    code = "storage_unavailable"


class ModelUnavailable(Unavailable):
    """The language model does not answer at the moment."""

    code = "model_unavailable"


class StaleEmbedding(ModelUnavailable):
    """The class's material is being prepared for another embedding model. Please ask again in a minute."""

    code = "stale_embedding"


class ModelRefused(ModelUnavailable):
    """The language model's provider refused the request; an admin needs to look at its key and settings."""

    code = "model_refused"


# Why a document could not be read: the sentence is shown to the teacher who uploaded it.


class Unreadable(HomeroomError):
    """This file can't be read."""

    code = "unreadable"
    exit_code = 8


class Encrypted(Unreadable):
    """This file is protected with a password. Save a copy without the password and upload that."""

    code = "encrypted"


class Corrupt(Unreadable):
    """This file is damaged and can't be opened. Export it again from the program that made it."""

    code = "corrupt"


class Empty(Unreadable):
    """There is no text in this file."""

    code = "empty"


class ScannedOnly(Unreadable):
    """This file holds only pictures of pages, no text. Run text recognition (OCR) on it and upload the result."""

    code = "scanned_only"


class Oversized(Unreadable):
    """This file is larger than allowed. Split it into parts and upload those."""

    code = "oversized"


class WrongType(Unreadable):
    """This kind of file can't be read. Use PDF, PPTX, DOCX, Markdown, HTML, plain text or a Jupyter notebook."""

    code = "wrong_type"


class ZipBomb(Unreadable):
    """This file unpacks to far more than a document should, so it was not opened."""

    code = "zip_bomb"
