"""Channels, threads, forum posts and direct messages."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.calls import Call, Route
from tests.fakes.discord.errors import Problems, Refused
from tests.fakes.discord.permissions import has
from tests.fakes.discord.present import channel_json, message_json
from tests.fakes.discord.records import ANNOUNCEMENTS, DM, FORUM, PRIVATE_THREAD, PUBLIC_THREAD, TEXT, Channel, Json
from tests.fakes.discord.rules import form, listed, one_of, snowflake, text, truth, whole
from tests.fakes.discord.world import BOT
from tests.fakes.discord.writing import write

_REQUIRES_TAG = 1 << 4
_DURATIONS = (60, 1440, 4320, 10080)
_OPTIONAL = {
    "auto_archive_duration": one_of(*_DURATIONS),
    "rate_limit_per_user": whole(0, 21600),
    "applied_tags": listed(snowflake, 0, 5),
    "type": one_of(10, PUBLIC_THREAD, PRIVATE_THREAD),
}
_THREAD = form({"name": text(1, 100)}, _OPTIONAL)
_CHANGE = form({}, {"name": text(1, 100), "archived": truth, "locked": truth, "topic": text(0, 4096), **_OPTIONAL})


async def get(call: Call) -> Json:
    return channel_json(call.world, call.channel())


async def change(call: Call) -> Json:
    channel = call.channel()
    _check(_CHANGE, call.body)
    granted = call.world.permissions(BOT, channel)
    own = channel.is_thread and channel.owner == BOT
    # https://docs.discord.com/developers/resources/channel#modify-channel: who may write may open what is not locked
    opens = channel.is_thread and call.body == {"archived": False} and has(granted, "send_messages_in_threads")
    allowed = (own or opens) and not channel.locked
    if not allowed and not has(granted, "manage_threads" if channel.is_thread else "manage_channels"):
        raise Refused(50013)
    if "locked" in call.body and not has(granted, "manage_threads"):
        raise Refused(50013)
    for name in ("name", "archived", "locked", "topic", "flags"):
        if call.body.get(name) is not None:
            setattr(channel, name, call.body[name])
    if call.body.get("applied_tags") is not None:
        channel.applied_tags = [str(tag) for tag in call.body["applied_tags"]]
    call.events.channel(channel, "UPDATE")
    return channel_json(call.world, channel)


async def delete(call: Call) -> Json:
    channel = call.channel()
    if channel.kind != DM:
        call.channel("manage_threads" if channel.is_thread else "manage_channels")
        channel.deleted = True
        call.events.channel(channel, "DELETE")
    return channel_json(call.world, channel)


async def thread_on_message(call: Call) -> Json:
    parent = call.channel("create_public_threads")
    post = call.world.find(parent.id, call.names["message"])
    _check(_THREAD, call.body)
    if parent.kind not in (TEXT, ANNOUNCEMENTS):
        raise Refused(50024)
    if post.thread is not None:
        raise Refused(160004)
    started = _start(call, parent, PUBLIC_THREAD, post.id)
    announced = call.world.announce(started)
    call.events.channel(started, "CREATE")
    call.events.posted(announced)
    call.events.edited(post)
    return channel_json(call.world, started)


async def thread(call: Call) -> Json:
    """Start a thread without a message, private where its type is not given; in a forum, a post."""
    parent = call.channel()
    _check(_THREAD, call.body)
    if parent.kind == FORUM:
        return _forum_post(call, parent)
    if parent.kind not in (TEXT, ANNOUNCEMENTS):
        raise Refused(50024)
    kind = call.body.get("type") or PRIVATE_THREAD
    call.channel("create_private_threads" if kind == PRIVATE_THREAD else "create_public_threads")
    started = _start(call, parent, kind, call.world.next_id())
    call.events.channel(started, "CREATE")
    if kind != PRIVATE_THREAD:
        call.events.posted(call.world.announce(started))
    return channel_json(call.world, started)


def _forum_post(call: Call, forum: Channel) -> Json:
    call.channel("send_messages")
    message = call.body.get("message")
    if not isinstance(message, dict):
        problems = Problems()
        problems.add(("message",), "BASE_TYPE_REQUIRED", "This field is required")
        problems.raise_any()
    tags = [str(tag) for tag in call.body.get("applied_tags") or ()]
    check_tags(forum, tags)
    started = _start(call, forum, PUBLIC_THREAD, call.world.next_id())
    started.applied_tags = tags
    try:
        post = write(call.world, started, message, call.files, id=started.id)
    except Refused:
        del call.world.channels[started.id]
        raise
    call.events.channel(started, "CREATE")
    call.events.posted(post)
    return channel_json(call.world, started) | {"message": message_json(call.world, post)}


def check_tags(forum: Channel, tags: list[str]) -> None:
    """Raises `Refused` for tags a forum does not have, or none where it asks for one."""
    if forum.flags & _REQUIRES_TAG and not tags:
        raise Refused(40067)
    if not set(tags) <= {tag["id"] for tag in forum.tags}:
        problems = Problems()
        problems.add(("applied_tags",), "BASE_TYPE_CHOICES", "Unknown tag")
        problems.raise_any()


def _start(call: Call, parent: Channel, kind: int, thread_id: str) -> Channel:
    started = Channel(thread_id, kind, call.body["name"], parent.guild, parent.id, members=[BOT], owner=BOT)
    call.world.channels[started.id] = started
    return started


async def add_member(call: Call) -> None:
    channel = call.channel()
    if not channel.is_thread:
        raise Refused(50024)
    user = BOT if call.names["user"] == "@me" else call.names["user"]
    if user not in call.world.guilds[channel.guild or ""].members:
        raise Refused(10007)
    if channel.archived:
        raise Refused(50083)
    if user not in channel.members:
        channel.members.append(user)
        call.events.thread_members(channel, user, added=True)


async def remove_member(call: Call) -> None:
    channel = call.channel()
    user = BOT if call.names["user"] == "@me" else call.names["user"]
    own = channel.owner == BOT and channel.kind == PRIVATE_THREAD
    if user != BOT and not own and not has(call.world.permissions(BOT, channel), "manage_threads"):
        raise Refused(50013)
    if user in channel.members:
        channel.members.remove(user)
        call.events.thread_members(channel, user, added=False)


async def open_direct(call: Call) -> Json:
    """Open direct messages. Somebody who closed theirs is refused later, with the first message."""
    recipient = str(call.body.get("recipient_id", ""))
    if recipient not in call.world.people or call.world.people[recipient].bot:
        raise Refused(50007 if recipient in call.world.people else 10013)
    channel = call.world.direct(recipient)
    return channel_json(call.world, channel)


async def active_threads(call: Call) -> Json:
    guild = call.names["guild"]
    if guild not in call.world.guilds:
        raise Refused(10004)
    threads = [
        each
        for each in call.world.channels.values()
        if each.is_thread and each.guild == guild and not each.archived and not each.deleted
        if has(call.world.permissions(BOT, each), "view_channel")
    ]
    return {"threads": [channel_json(call.world, each) for each in threads], "members": []}


async def archived_threads(call: Call) -> Json:
    threads = [each for each in call.world.threads(call.channel("read_message_history").id) if each.archived]
    shown = [channel_json(call.world, each) for each in threads if each.kind == PUBLIC_THREAD]
    return {"threads": shown, "members": [], "has_more": False}


def _check(rule: Any, body: Any) -> None:
    problems = Problems()
    rule(body, (), problems)
    problems.raise_any()


_CHANNEL = "/channels/{channel}"
ROUTES = {
    f"GET {_CHANNEL}": Route(get),
    f"PATCH {_CHANNEL}": Route(change),
    f"DELETE {_CHANNEL}": Route(delete),
    f"POST {_CHANNEL}/messages/{{message}}/threads": Route(thread_on_message, 201),
    f"POST {_CHANNEL}/threads": Route(thread, 201),
    f"GET {_CHANNEL}/threads/archived/public": Route(archived_threads),
    f"PUT {_CHANNEL}/thread-members/{{user}}": Route(add_member),
    f"DELETE {_CHANNEL}/thread-members/{{user}}": Route(remove_member),
    "GET /guilds/{guild}/threads/active": Route(active_threads),
    "POST /users/@me/channels": Route(open_direct),
}
