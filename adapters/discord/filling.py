"""Forms of several pages as they are filled in: kept in the database, so that any process can go on with any page.

What is not taken in is told by the interaction, unless another process has answered it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.discord.controls import choice_units
from adapters.discord.failures import TROUBLE, reason_of
from adapters.discord.forms import Json, form_choice, form_modal, form_of
from adapters.discord.interaction import Interaction
from adapters.discord.packing import Message
from adapters.discord.paging import (
    OPEN_PAGE,
    PagedForm,
    as_value,
    continues,
    divide,
    fill_in,
    from_value,
    kept_message,
    page_choice,
    page_modal,
    page_value,
    read_page_value,
    reopen,
    sent_message,
    typed_values,
)
from core.db import Sessions
from core.errors import DatabaseUnavailable
from core.events import Control, Event
from core.inbox.hold_form import form_held_as, held_form, hold_form, let_go
from core.replies import Choice, Choices, Form

log = structlog.get_logger(__name__)

GONE = Message("This form was sent already, or it lay for more than a day. Please begin again.")
TOO_LATE = Message("That took me too long, so Discord would not open the form. Please press the button again.")


@dataclass(frozen=True, slots=True)
class Opening:
    """A form that can be opened now by its `modal`, or later by what is `offered` in a message."""

    modal: Json
    offered: Form | Choices


async def opening_of(sessions: Sessions, event: Event, form: Form) -> Opening:
    """Return how to open a form. One that fits no modal, or no button, is kept under the event's key.

    Raises `ValueError` for one that fits no pages either, and `DatabaseUnavailable`.
    """
    try:
        list(choice_units((form_choice(form),)))  # would a message keep it?
        return Opening(form_modal(form), form)
    except ValueError:
        paged = divide(form)
    async with _transaction(sessions) as session:
        form_id = await hold_form(session, _held(event, paged))
    later = Choice(f"{form.title}…", OPEN_PAGE, page_value(form_id, 0))
    return Opening(page_modal(paged, 0, form_id), Choices((later,)))


@dataclass(frozen=True, slots=True)
class Whole:
    """A form of which every page was sent, as one event. `sent` may take the place of what asked for its pages."""

    event: Control
    form_id: UUID
    sent: Message | None


async def open_page(sessions: Sessions, event: Control, interaction: Interaction) -> None:
    """Open the page that a button stands for. Raises `DatabaseUnavailable`."""
    form_id, number = read_page_value(event.value)
    paged = await _look(sessions, event, form_id)
    if paged is None or number >= len(paged.sizes):
        await tell(interaction, GONE)
    elif not await interaction.open_form(page_modal(paged, number, form_id)):
        await tell(interaction, TOO_LATE)


async def take_page(
    sessions: Sessions, event: Control, interaction: Interaction, components: Sequence[Json]
) -> Whole | None:
    """Keep a page that was sent, and say how to go on; return the form as a whole when no other page is left.

    `components` are those of the message that it was opened at. Raises `DatabaseUnavailable`.
    """
    form_id, number = read_page_value(event.value)
    paged = await _look(sessions, event, form_id, fill=number)
    if paged is None:
        await tell(interaction, GONE)
        return None
    in_place = continues(components, form_id)
    if not paged.left:
        form = paged.form
        whole = replace(event, action=form.action, value=form.value, fields=typed_values(paged), files=paged.files)
        return Whole(whole, form_id, sent_message(paged) if in_place else None)
    kept = kept_message(paged, number, form_id)
    if not (in_place and await interaction.replace(kept)):
        await tell(interaction, kept)
    return None


async def reopened(sessions: Sessions, event: Control, form_id: UUID, wrong: Mapping[str, str]) -> Choices | None:
    """Return buttons for the pages of a form that was refused; None where it is gone. Raises `DatabaseUnavailable`."""
    async with _transaction(sessions) as session:
        held = await held_form(session, event.sender.platform, event.sender.user_id, form_id)
        if held is None:
            return None
        paged = reopen(from_value(held.value, held.files), wrong)
        await hold_form(session, replace(held, value=as_value(paged)))
    return Choices(tuple(page_choice(paged, number, form_id, "Correct") for number in paged.left))


async def remember(sessions: Sessions, event: Event, form: Form) -> None:
    """Keep a form that was opened, for Discord sends back only its fields. Never raises: words alone are lost."""
    value = json.dumps(asdict(replace(form, about="")), ensure_ascii=False)
    kept = Control(
        key=_opened(event, form.action), sender=event.sender, place=event.place, action=form.action, value=value
    )
    try:
        async with _transaction(sessions) as session:
            await hold_form(session, kept)
    except DatabaseUnavailable as error:
        log.warning("discord_form_not_remembered", reason=error.code)


async def remembered(sessions: Sessions, event: Control) -> Form | None:
    """Return the form that was opened last for who sent this one; None where it is not known. Never raises."""
    try:
        async with _transaction(sessions) as session:
            kept = await form_held_as(session, event.sender.platform, _opened(event, event.action))
    except DatabaseUnavailable as error:
        log.warning("discord_form_not_remembered", reason=error.code)
        return None
    return form_of(json.loads(kept.value)) if kept is not None else None


async def forget(sessions: Sessions, form_id: UUID) -> None:
    """Forget a form that is done with. Never raises: it goes by itself in a day."""
    try:
        async with _transaction(sessions) as session:
            await let_go(session, form_id)
    except DatabaseUnavailable as error:
        log.warning("discord_form_not_forgotten", reason=error.code)


async def tell(interaction: Interaction, message: Message) -> None:
    """Say something about a form, as far as the interaction takes it. Never raises."""
    try:
        await interaction.say_first(message)
    except TROUBLE as error:
        log.info("discord_person_not_told", reason=reason_of(error))


async def _look(sessions: Sessions, event: Control, form_id: UUID, *, fill: int | None = None) -> PagedForm | None:
    """Return a form, with what the event brings for the page `fill`, which is kept; None where it is not held."""
    async with _transaction(sessions) as session:
        held = await held_form(session, event.sender.platform, event.sender.user_id, form_id)
        if held is None:
            return None
        paged = from_value(held.value, held.files)
        if fill is not None:
            paged = fill_in(paged, fill, event.fields, event.files)
            await hold_form(session, replace(held, value=as_value(paged), files=paged.files))
    return paged


def _opened(event: Event, action: str) -> str:
    return f"opened:{event.sender.user_id}:{action}"


def _held(event: Event, paged: PagedForm) -> Control:
    return Control(
        key=f"{event.key}:{paged.form.action}",
        sender=event.sender,
        place=event.place,
        action=paged.form.action,
        value=as_value(paged),
        files=paged.files,
    )


@asynccontextmanager
async def _transaction(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    try:
        async with sessions.begin() as session:
            yield session
    except (SQLAlchemyError, OSError) as error:
        raise DatabaseUnavailable from error
