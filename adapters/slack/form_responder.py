"""The answer to a form that was sent: in the form itself while Slack waits for it, after that like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from adapters.slack.forms import form_errors, form_view, given_back, sent_form
from core.events import Attachment, Place
from core.ports import AnswerStream, LiveReply, Post, Profile, Responder
from core.replies import Audience, Form, Note, Part, Reply, Text
from core.text import literal, literal_sentence, without_escapes

Json = dict[str, Any]


class FormResponder:
    """Wraps the ordinary responder. Whatever comes first says how the form is acknowledged.

    The listener waits for that with `acknowledgement`. Both run on one event loop, and whether the form is still
    waiting is decided without a pause in between: a reply is shown in the form or by the other responder, never twice.
    """

    def __init__(self, after: Responder, view: Mapping[str, Any], place: Place) -> None:
        self._after = after
        self._form = sent_form(view)
        self._place = place
        self._answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

    async def acknowledgement(self, deadline: float) -> Json:
        """Return what to acknowledge with: known by `deadline`, in the event loop's time, or else nothing."""
        await asyncio.wait({self._answer}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        if not self._answer.done():
            self._answer.set_result({})
        return self._answer.result()

    async def send(self, reply: Reply) -> None:
        """Show a reply in the form, or what came after it."""
        if self._answer.done():
            await self._after.send(self._with_form(reply) if reply.field_errors else reply)
            return
        if reply.field_errors:
            errors = self._errors_in_form(reply)
            self._settle(errors or {})
            if errors is None:
                await self._after.send(self._with_form(reply))
            return
        following = next((part for part in reply.parts if isinstance(part, Form)), None)
        view = _view(following, self._place) if following is not None else None
        self._settle({"response_action": "update", "view": view} if view is not None else {})
        rest = tuple(part for part in reply.parts if part is not following) if view is not None else reply.parts
        if rest:
            await self._after.send(replace(reply, parts=rest))

    async def send_live(self, reply: Reply) -> LiveReply | None:
        """Close the form and show a reply where it came from."""
        self._settle({})
        return await self._after.send_live(reply)

    async def begin(self, answer_id: UUID, audience: Audience) -> AnswerStream:
        """Close the form and open an answer where it came from."""
        self._settle({})
        return await self._after.begin(answer_id, audience)

    async def open_thread(self, opening: Reply) -> str | None:
        """Close the form and open a thread where it came from."""
        self._settle({})
        return await self._after.open_thread(opening)

    async def working(self) -> None:
        """Show nothing while the form is open: it shows that itself."""
        if self._answer.done():
            await self._after.working()

    async def profile(self) -> Profile | None:
        """Return what Slack says about the sender."""
        return await self._after.profile()

    async def shared(self) -> bool:
        """Say whether another organisation reads where the form was opened from."""
        return await self._after.shared()

    async def readers(self) -> frozenset[str] | None:
        """Return who reads where the form was opened from."""
        return await self._after.readers()

    async def fetch(self, attachment: Attachment) -> bytes:
        """Return a file that was sent with the form."""
        return await self._after.fetch(attachment)

    async def retract(self, posts: Sequence[Post]) -> None:
        """Take back posts."""
        await self._after.retract(posts)

    def _errors_in_form(self, reply: Reply) -> Json | None:
        """Return the acknowledgement that keeps the form open with all that a reply says; None where it can't."""
        if not all(isinstance(part, Text | Note) for part in reply.parts):
            return None
        asides = " ".join(without_escapes(part.markdown) for part in reply.parts if isinstance(part, Note))
        errors = dict(reply.field_errors)
        if asides:
            last = list(errors)[-1]
            errors[last] = f"{errors[last]} {asides}"
        return _errors(self._form, errors)

    def _settle(self, answer: Json) -> None:
        if not self._answer.done():
            self._answer.set_result(answer)

    def _with_form(self, reply: Reply) -> Reply:
        """Return a reply that came too late for the form: with the sentences, and a way back to what was typed."""
        labels = {field.name: field.label for field in self._form.fields}
        said = reply.text()
        lines = [
            f"- {literal(labels[name])}: {sentence}" if name in labels else f"- {sentence}"
            for name, error in reply.field_errors.items()
            if (sentence := literal_sentence(error)) not in said
        ]
        parts: list[Part] = [*reply.parts]
        if lines:
            parts.append(Text("\n".join(lines)))
        if not any(isinstance(part, Form) for part in parts):
            parts.extend(given_back(self._form))
        return replace(reply, parts=tuple(parts), audience=Audience.PERSON, field_errors={})


def refuse_form(view: Mapping[str, Any], sentence: str) -> Json | None:
    """Return the acknowledgement that keeps a form open and says why; None where no field could show it."""
    return _errors(sent_form(view), {"": sentence})


def _errors(form: Form, errors: Mapping[str, str]) -> Json | None:
    """Return sentences at a form's fields; those about anything else join the first one."""
    names = [field.name for field in form.fields]
    if not names:
        return None
    shown: dict[str, str] = {}
    for name, sentence in errors.items():
        at = name if name in names else names[0]
        shown[at] = f"{shown[at]} {sentence}" if at in shown else sentence
    return form_errors(shown)


def _view(form: Form, place: Place) -> Json | None:
    try:
        return form_view(form, place)
    except ValueError:
        return None
