"""Discord's payloads as neutral events: pure functions, no client, no state.

A payload is the data of a gateway event (https://discord.com/developers/docs/events/gateway-events). Where it happened
is handed in, because most payloads name no more than a channel. `None` means that nobody did anything that is meant
for us.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.discord.controls import read_pressed
from adapters.discord.forms import attachment_of, read_modal
from adapters.discord.incoming_text import first_mention, mentions, plain_text
from adapters.discord.places import Where
from core.enums import Platform
from core.events import Attachment, Command, Control, Deletion, Event, Message, Place, Reaction, Sender

Payload = Mapping[str, Any]
Own = tuple[str, ...]  # the bot's id and, in a server, that of the role which Discord made for it, of the same name
COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
_SPOKEN = frozenset({0, 19})  # a message, and one that replies to another; the rest are notices
_SUB, _SUB_GROUP, _FILE = 1, 2, 11
_CHAT_INPUT = 1


def receive_message(
    payload: Payload, where: Where, workspace: str, own: Own, *, posted: bool = False
) -> Message | None:
    """Return a message that is meant for the bot, or may be: a reply in a thread.

    `workspace` is the server's id, in direct messages that of the person's. `posted`: what opens a post in this forum
    is a question, without any mention.
    """
    author: Payload = payload.get("author") or {}
    channel, message = str(payload.get("channel_id") or ""), str(payload.get("id") or "")
    if author.get("bot") or payload.get("webhook_id") or not author.get("id") or not channel or not message:
        return None
    if payload.get("type", 0) not in _SPOKEN:
        return None
    text = str(payload.get("content") or "")
    mentioned = mentions(text, *own) or any(str(each.get("id")) in own for each in payload.get("mentions") or ())
    opens = where.forum and where.thread == message
    addressed = where.private or mentioned or (opens and posted)
    # A reply that begins with somebody else's name is for them; what Discord does not let us read asks nothing.
    if not addressed and (where.thread is None or not text.strip() or first_mention(text) not in (None, *own)):
        return None
    asked = plain_text(text, *own)
    return Message(
        key=f"discord:message:{channel}:{message}",
        sender=Sender(Platform.DISCORD, str(author["id"]), workspace),
        # A thread that begins with a message bears its id.
        place=Place(where.channel, None if where.private else where.thread or message, private=where.private),
        text=_with_title(where, asked, own) if opens else asked,
        addressed=addressed,
        message_id=message,
    )


def receive_deletion(channel_id: str, message_id: str, where: Where, workspace: str) -> Deletion:
    """Return that a message was taken back. Discord does not say whose it was, nor by whom."""
    return Deletion(
        key=f"discord:deletion:{channel_id}:{message_id}",
        sender=Sender(Platform.DISCORD, "", workspace),
        place=Place(where.channel, where.thread, private=where.private),
        message_id=message_id,
    )


def receive_reaction(
    payload: Payload, where: Where, workspace: str, own: str, *, added: bool, at: datetime
) -> Reaction | None:
    """Return an emoji put on a message, or taken off, at the time `at`, which Discord does not tell.

    Nor does it tell such deeds apart: the key says no more than whose reaction it is.
    """
    user, message = str(payload.get("user_id") or ""), str(payload.get("message_id") or "")
    member: Payload = payload.get("member") or {}
    author = payload.get("message_author_id")
    if not user or not message or user == own or (member.get("user") or {}).get("bot"):
        return None
    if author is not None and str(author) != own:
        return None
    emoji = str((payload.get("emoji") or {}).get("name") or "")
    if not emoji:
        return None
    return Reaction(
        key=f"discord:reaction:{user}:{message}:{emoji}",
        sender=Sender(Platform.DISCORD, user, workspace),
        place=Place(where.channel, where.thread, private=where.private),
        emoji=emoji,
        added=added,
        message_id=message,
        at=at,
    )


def receive_interaction(payload: Payload, where: Where, workspace: str, *, prefix: str = "") -> Event | None:
    """Return a command typed, a control used or a form sent. `prefix` is what stands before commands' names here."""
    user, data = user_of(payload), payload.get("data") or {}
    if not user:
        return None
    key = f"discord:interaction:{payload.get('id')}"
    sender = Sender(Platform.DISCORD, user, workspace)
    place = Place(where.channel, where.thread, private=where.private)
    match payload.get("type"):
        case 2 if data.get("type", _CHAT_INPUT) == _CHAT_INPUT:
            words, options, files = read_options(data)
            name = str(data.get("name") or "").removeprefix(prefix)
            return Command(
                key=key, sender=sender, place=place, name=name, text=" ".join(words), options=options, files=files
            )
        case 3:
            action, value = read_pressed(data, payload.get("message") or {})
            return Control(key=key, sender=sender, place=place, action=action, value=value) if action else None
        case 5:
            action, value, fields, sent = read_modal(data)
            return Control(key=key, sender=sender, place=place, action=action, value=value, fields=fields, files=sent)
        case _:
            return None


def read_options(data: Payload) -> tuple[list[str], dict[str, str], dict[str, Attachment]]:
    """Return the subcommand's words, the options and the files of a command's data."""
    words: list[str] = []
    given = list(data.get("options") or ())
    while given and given[0].get("type") in (_SUB, _SUB_GROUP):
        words.append(str(given[0].get("name")))
        given = list(given[0].get("options") or ())
    attachments: Payload = (data.get("resolved") or {}).get("attachments") or {}
    files = {
        str(each["name"]): attachment_of(attachments[str(each.get("value"))])
        for each in given
        if each.get("type") == _FILE and str(each.get("value")) in attachments
    }
    options = {
        str(each["name"]): plain_text(str(each.get("value") or "")) for each in given if each.get("type") != _FILE
    }
    return words, options, files


def read_focus(data: Payload) -> tuple[str, str]:
    """Return the name of the option that is being typed, and what of it is; both empty where there is none."""
    given = list(data.get("options") or ())
    while given and given[0].get("type") in (_SUB, _SUB_GROUP):
        given = list(given[0].get("options") or ())
    focused: Payload = next((each for each in given if each.get("focused")), {})
    return str(focused.get("name") or ""), str(focused.get("value") or "")


def user_of(payload: Payload) -> str:
    """Return the id of who interacted: in a server as its member, in direct messages as a user."""
    member: Payload = payload.get("member") or {}
    return str((member.get("user") or payload.get("user") or {}).get("id") or "")


def _with_title(where: Where, text: str, own: Own) -> str:
    tags = f" ({', '.join(where.tags)})" if where.tags else ""
    title = plain_text(where.title, *own)
    return "\n\n".join(part for part in (f"{title}{tags}" if title else "", text) if part)
