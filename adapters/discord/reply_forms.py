"""The forms of a reply: opened while the interaction takes one, else offered by a button, given back when wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import structlog

from adapters.discord.filling import Opening, forget, opening_of, remember, remembered, reopened
from adapters.discord.forms import filled_in
from adapters.discord.interaction import Interaction
from adapters.discord.route import MODAL, Route
from core.db import Sessions
from core.errors import DatabaseUnavailable
from core.events import Control, Event
from core.replies import Audience, Choices, Form, Note, Part, Reply, Text
from core.text import literal_sentence

log = structlog.get_logger(__name__)


async def after_form(sessions: Sessions, route: Route, event: Event, reply: Reply) -> Reply:
    """Return what is said after a form: of one that was refused what is wrong, and a way back to what was typed.

    One of several pages that was taken is forgotten.
    """
    if route.form and not reply.failed:
        await forget(sessions, UUID(route.form))
    if not reply.failed or not (reply.field_errors or route.form):
        return reply
    said, parts = reply.text(), list[Part](reply.parts)
    sentences = [literal_sentence(error) for error in reply.field_errors.values()]
    parts += [Note(sentence) if said else Text(sentence) for sentence in sentences if sentence not in said]
    if route.kind == MODAL and isinstance(event, Control) and not any(isinstance(part, Form) for part in parts):
        parts += await _way_back(sessions, route, event, reply.field_errors)
    return replace(reply, parts=tuple(parts), audience=Audience.PERSON)


async def open_form(sessions: Sessions, event: Event, interaction: Interaction | None, reply: Reply) -> Reply:
    """Open the reply's form if the interaction takes one now, and return what is left to say."""
    form = next((part for part in reply.parts if isinstance(part, Form)), None)
    opening = await _opening(sessions, event, form) if form is not None else None
    if form is None or opening is None:
        return reply
    # Discord answers a form with a form only after a button was pressed in between.
    takes = interaction is not None and interaction.route.kind != MODAL and not reply.failed
    if takes and interaction is not None and await interaction.open_form(opening.modal):
        if opening.offered is form:  # otherwise its pages are kept
            await remember(sessions, event, form)
        return replace(reply, parts=tuple(part for part in reply.parts if part is not form))
    return replace(reply, parts=tuple(opening.offered if part is form else part for part in reply.parts))


async def _opening(sessions: Sessions, event: Event, form: Form) -> Opening | None:
    """Return how to open a form; None for one that is only spoken of, in a sentence."""
    try:
        return await opening_of(sessions, event, form)
    except ValueError:
        return None
    except DatabaseUnavailable as error:
        log.warning("discord_form_not_kept", reason=error.code)
        return None


async def _way_back(sessions: Sessions, route: Route, event: Control, wrong: Mapping[str, str]) -> list[Form | Choices]:
    if not route.form:
        if not event.fields:
            return []
        return [filled_in(await remembered(sessions, event), event.action, event.value, event.fields)]
    try:
        pages = await reopened(sessions, event, UUID(route.form), wrong)
    except DatabaseUnavailable as error:
        log.warning("discord_form_not_reopened", reason=error.code)
        return []
    return [pages] if pages is not None else []
