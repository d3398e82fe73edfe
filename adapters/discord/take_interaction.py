"""What somebody typed, pressed or sent: taken in, and answered within Discord's three seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from adapters.discord.failures import TROUBLE, reason_of
from adapters.discord.filling import TOO_LATE, open_page, remember, take_page, tell
from adapters.discord.forms import OPEN_FORM, form_modal, unpack_form
from adapters.discord.intake import Intake, open_responder
from adapters.discord.interaction import Interaction
from adapters.discord.limits import OPTION_LABEL, OPTION_VALUE, SUGGESTIONS, fit, length
from adapters.discord.packing import Message
from adapters.discord.paging import PAGE_ACTIONS
from adapters.discord.places import DIRECT, Where, where_of
from adapters.discord.receive import AUTOCOMPLETE, COMPONENT, read_focus, read_options, receive_interaction, user_of
from adapters.discord.route import MODAL, Route, route_of_interaction
from core.enums import Platform
from core.errors import HomeroomError
from core.events import Command, Control, Event, Place, Sender
from core.replies import Offer

log = structlog.get_logger(__name__)

Payload = Mapping[str, Any]

NOT_TAKEN = Message("I could not take that in just now, so nothing was done. Please try again in a moment.")
UNREADABLE = Message("That choice does nothing any more. Please begin again with the command.")
_SUGGEST = 8
_SUGGEST_SECONDS = 2.0


async def take_interaction(intake: Intake, payload: Payload) -> None:
    """Take in an interaction, and see to it that Discord has an answer in time."""
    where, user = _where_of(payload), user_of(payload)
    if payload.get("type") == AUTOCOMPLETE:
        await _suggest(intake, payload, where)
        return
    route = route_of_interaction(payload, where, user)
    interaction = Interaction(intake.setting.calls, route)
    in_time = asyncio.create_task(interaction.defer_in_time())
    try:
        event = receive_interaction(payload, where, await _workspace(intake, payload, where), prefix=intake.prefix)
        if isinstance(event, Control) and event.action == OPEN_FORM:
            await _open_form(intake, event, interaction)
        elif isinstance(event, Control) and event.action in PAGE_ACTIONS:
            await _turn_page(intake, event, interaction, payload, in_time)
        elif event is not None:
            await _accept(intake, event, route, interaction, in_time)
        elif payload.get("type") == COMPONENT:  # the embed was taken away that held what it means
            await tell(interaction, UNREADABLE)
    except (HomeroomError, *TROUBLE) as error:
        log.error("discord_interaction_not_taken", reason=_reason(error))  # noqa: TRY400  (an outage, no fault to trace)
        await tell(interaction, NOT_TAKEN)
    except Exception:  # a mistake of ours, which the listener notes: the person waits all the same
        await tell(interaction, NOT_TAKEN)
        raise
    finally:
        await asyncio.gather(in_time, return_exceptions=True)


async def _workspace(intake: Intake, payload: Payload, where: Where) -> str:
    if where.private:
        return await intake.servers.of_person(user_of(payload), intake.setting.calls)
    return str(payload.get("guild_id") or "")


async def _accept(
    intake: Intake, event: Event, route: Route, interaction: Interaction, in_time: asyncio.Task[None]
) -> bool:
    responder = open_responder(intake.servers, intake.setting, event, route, interaction)
    accepted = await intake.inbox.accept(event, route.as_data(), responder)
    if not accepted:
        in_time.cancel()  # whoever took it in answers
    return accepted


async def _open_form(intake: Intake, event: Control, interaction: Interaction) -> None:
    try:
        form = unpack_form(event.value)
        opened = await interaction.open_form(form_modal(form))
    except ValueError:
        opened = False
    else:
        if opened:
            await remember(intake.servers.sessions, event, form)
    if not opened:
        await tell(interaction, TOO_LATE)


async def _turn_page(
    intake: Intake, event: Control, interaction: Interaction, payload: Payload, in_time: asyncio.Task[None]
) -> None:
    """Open a page of a form, keep one that was sent, or take in the form with the last of them."""
    sessions = intake.servers.sessions
    if interaction.route.kind != MODAL:
        await open_page(sessions, event, interaction)
        return
    components = (payload.get("message") or {}).get("components") or ()
    whole = await take_page(sessions, event, interaction, components)
    if whole is None:
        return
    route = replace(interaction.route, form=whole.form_id.hex)
    if await _accept(intake, whole.event, route, interaction, in_time) and whole.sent is not None:
        await interaction.replace(whole.sent)


async def _suggest(intake: Intake, payload: Payload, where: Where) -> None:
    found: Sequence[Offer] = ()
    try:
        async with asyncio.timeout(_SUGGEST_SECONDS):
            found = await _offered(intake, payload, where)
    except (HomeroomError, *TROUBLE) as error:
        log.info("discord_nothing_suggested", reason=_reason(error))
    choices = [
        {"name": fit(label, OPTION_LABEL), "value": value}
        for label, value in found
        if label and 0 < length(value) <= OPTION_VALUE
    ]
    try:
        await intake.setting.calls.respond(
            str(payload.get("id")), str(payload.get("token")), _SUGGEST, {"choices": choices[:SUGGESTIONS]}
        )
    except TROUBLE as error:
        log.info("discord_suggestion_late", reason=reason_of(error))


async def _offered(intake: Intake, payload: Payload, where: Where) -> Sequence[Offer]:
    data: Payload = payload.get("data") or {}
    name, typed = read_focus(data)
    words, options, _ = read_options(data)
    event = Command(
        key=f"discord:interaction:{payload.get('id')}",
        sender=Sender(Platform.DISCORD, user_of(payload), await _workspace(intake, payload, where)),
        place=Place(where.channel, where.thread, private=where.private),
        name=str(data.get("name") or "").removeprefix(intake.prefix),
        text=" ".join(words),
        options=options,
    )
    return await intake.suggest(event, name, typed)


def _where_of(payload: Payload) -> Where:
    channel: Payload = payload.get("channel") or {"id": payload.get("channel_id")}
    if not payload.get("guild_id"):
        # In somebody else's direct messages others read along; in the bot's own nobody does.
        return Where(str(channel.get("id") or ""), private=int(channel.get("type") or DIRECT) == DIRECT)
    return where_of(channel)


def _reason(error: Exception) -> str:
    return error.code if isinstance(error, HomeroomError) else reason_of(error)
