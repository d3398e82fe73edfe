"""Messages, their reactions, and typing."""

from __future__ import annotations

from tests.fakes.discord.calls import Call, Route
from tests.fakes.discord.errors import Refused
from tests.fakes.discord.gateway import CONTENT
from tests.fakes.discord.permissions import has
from tests.fakes.discord.present import message_json, without_content
from tests.fakes.discord.records import DM, FORUM, Channel, Json, Post
from tests.fakes.discord.world import BOT
from tests.fakes.discord.writing import repeated, rewrite, write

_REACTIONS = 20


async def create(call: Call) -> Json:
    channel = call.channel()
    if channel.kind == FORUM:
        raise Refused(50008)
    check_may_post(call, channel)
    same = repeated(call.world, channel, call.body)
    if same is not None:
        return message_json(call.world, same)
    post = write(call.world, channel, call.body, call.files)
    if channel.archived:  # a new message opens an archived thread again
        channel.archived = False
        call.events.channel(channel, "UPDATE")
    call.events.posted(post)
    return message_json(call.world, post)


def check_may_post(call: Call, channel: Channel) -> None:
    """Raises `Refused` where the bot may not write, or nobody takes what it writes."""
    if channel.kind == DM:
        other = next(call.world.people[each] for each in channel.members if each != BOT)
        if other.dms_closed:
            raise Refused(50007)
        if not any(other.id in guild.members for guild in call.world.guilds.values()):
            raise Refused(50278)
        return
    granted = call.world.permissions(BOT, channel)
    needed = ["send_messages_in_threads" if channel.is_thread else "send_messages"]
    body = call.body if isinstance(call.body, dict) else {}
    if call.files:
        needed.append("attach_files")
    if body.get("embeds"):
        needed.append("embed_links")
    if body.get("message_reference"):
        needed.append("read_message_history")
    if not all(has(granted, name) for name in needed):
        raise Refused(50013)
    if channel.locked and not has(granted, "manage_threads"):
        raise Refused(160005)


async def history(call: Call) -> list[Json]:
    channel = call.channel("read_message_history")
    posts = [p for p in call.world.posts if p.channel == channel.id and p.to is None and not p.deleted]
    posts.sort(key=lambda post: int(post.id), reverse=True)
    limit = int(call.query.get("limit", "50"))
    if "before" in call.query:
        posts = [post for post in posts if int(post.id) < int(call.query["before"])]
    if "after" in call.query:
        return [_seen(call, post) for post in posts if int(post.id) > int(call.query["after"])][-limit:]
    return [_seen(call, post) for post in posts[:limit]]


async def get(call: Call) -> Json:
    call.channel("read_message_history")
    return _seen(call, _find(call))


async def edit(call: Call) -> Json:
    channel = call.channel()
    post = _find(call)
    if post.author != BOT:
        raise Refused(50005)
    if channel.archived:
        raise Refused(50083)
    rewrite(call.world, post, call.body, call.files)
    call.events.edited(post)
    return message_json(call.world, post)


async def delete(call: Call) -> None:
    channel = call.channel()
    post = _find(call)
    if post.author != BOT and not has(call.world.permissions(BOT, channel), "manage_messages"):
        raise Refused(50003 if channel.kind == DM else 50013)
    post.deleted = True
    call.events.deleted(post)


async def react(call: Call) -> None:
    channel = call.channel("read_message_history")
    post, emoji = _find(call), _emoji(call)
    if channel.archived:
        raise Refused(50083)
    users = post.reactions.get(emoji, [])
    if not users:
        if not has(call.world.permissions(BOT, channel), "add_reactions"):
            raise Refused(50013)
        if sum(bool(each) for each in post.reactions.values()) >= _REACTIONS:
            raise Refused(30010)
    if BOT not in users:
        post.reactions.setdefault(emoji, []).append(BOT)
        call.events.reacted(post, BOT, emoji, added=True)


async def unreact(call: Call) -> None:
    """Take off a reaction: the bot's own, or somebody's where it manages messages."""
    user = BOT if call.names["user"] == "@me" else call.names["user"]
    call.channel(*([] if user == BOT else ["manage_messages"]))
    post, emoji = _find(call), _emoji(call)
    if user in post.reactions.get(emoji, []):
        post.reactions[emoji].remove(user)
        call.events.reacted(post, user, emoji, added=False)


async def reacted(call: Call) -> list[Json]:
    call.channel("read_message_history")
    return [call.world.people[user].as_user() for user in _find(call).reactions.get(_emoji(call), [])]


async def typing(call: Call) -> None:
    channel = call.channel()
    call.world.typing.append(channel.id)
    call.events.typed(channel, BOT)


def _find(call: Call) -> Post:
    return call.world.find(call.names["channel"], call.names["message"])


def _emoji(call: Call) -> str:
    emoji = call.names["emoji"]
    if emoji.isascii() and not emoji.rpartition(":")[2].isdecimal():
        raise Refused(10014)
    return emoji


def _seen(call: Call, post: Post) -> Json:
    """Return a message as the app may read it; the message content intent counts here too."""
    message = message_json(call.world, post)
    return message if call.privileged & CONTENT else without_content(call.world, message)


_MESSAGES, _MESSAGE = "/channels/{channel}/messages", "/channels/{channel}/messages/{message}"
_REACTION = _MESSAGE + "/reactions/{emoji}"
ROUTES = {
    f"POST {_MESSAGES}": Route(create),
    f"GET {_MESSAGES}": Route(history),
    f"GET {_MESSAGE}": Route(get),
    f"PATCH {_MESSAGE}": Route(edit),
    f"DELETE {_MESSAGE}": Route(delete),
    f"PUT {_REACTION}/@me": Route(react),
    f"DELETE {_REACTION}/{{user}}": Route(unreact),
    f"GET {_REACTION}": Route(reacted),
    "POST /channels/{channel}/typing": Route(typing),
}
