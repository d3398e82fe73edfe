"""The `conversations.*` methods. Which scope one needs depends on the kind of conversation."""

from __future__ import annotations

from tests.fakes.slack.blocks import Refused
from tests.fakes.slack.calls import Call, Json
from tests.fakes.slack.decode import require
from tests.fakes.slack.paging import cursor, is_true, read_cursor, read_limit
from tests.fakes.slack.workspace import Conversation, Post

SCOPE_PREFIXES = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
SCOPES = frozenset(f"{prefix}:{what}" for prefix in SCOPE_PREFIXES.values() for what in ("read", "history"))
HISTORY_PAGE, HISTORY_MOST = 100, 999
REPLIES_PAGE, REPLIES_MOST = 1_000, 1_000
MEMBERS_PAGE, MEMBERS_MOST = 100, 1_000


async def conversations_open(call: Call) -> Json:
    require(call.arguments, "users")
    users = call.arguments["users"]
    names = users.split(",") if isinstance(users, str) else list(users)
    if len(names) != 1:
        raise Refused("too_many_users")
    channel = call.workspace.direct(names[0])
    return {"channel": {"id": channel.id}, "no_op": False, "already_open": False}


async def conversations_info(call: Call) -> Json:
    channel = _readable(call, "read", member=False)
    return {"channel": _as_channel(call, channel)}


async def conversations_members(call: Call) -> Json:
    channel = _readable(call, "read", member=False)
    limit, start = read_limit(call.arguments, MEMBERS_PAGE, MEMBERS_MOST), read_cursor(call.arguments, "user")
    members = sorted(member for member in channel.members if start is None or member >= start)
    following = cursor("user", members[limit]) if len(members) > limit else ""
    return {"members": members[:limit], "response_metadata": {"next_cursor": following}}


async def conversations_history(call: Call) -> Json:
    """The newest first; without what stands in threads."""
    channel = _readable(call, "history")
    limit, start = read_limit(call.arguments, HISTORY_PAGE, HISTORY_MOST), read_cursor(call.arguments, "next_ts")
    found = [post for post in _between(call, channel) if post.thread_ts in (None, post.ts)]
    found = [post for post in reversed(found) if start is None or post.ts <= start]
    answer: Json = {"messages": [_as_message(call, post) for post in found[:limit]], "has_more": len(found) > limit}
    if len(found) > limit:
        answer["response_metadata"] = {"next_cursor": cursor("next_ts", found[limit].ts)}
    return answer | {"pin_count": 0}


async def conversations_replies(call: Call) -> Json:
    """The oldest first; the message the thread hangs on comes first on every page."""
    require(call.arguments, "channel", "ts")
    channel = _readable(call, "history")
    root = call.workspace.find(channel.id, call.arguments["ts"], "thread_not_found")
    limit, start = read_limit(call.arguments, REPLIES_PAGE, REPLIES_MOST), read_cursor(call.arguments, "next_ts")
    replies = [
        p for p in _between(call, channel) if p.thread_ts == root.ts != p.ts and (start is None or p.ts >= start)
    ]
    fitting = max(1, limit - 1)
    answer: Json = {
        "messages": [_as_message(call, post) for post in (root, *replies[:fitting])],
        "has_more": len(replies) > fitting,
    }
    if len(replies) > fitting:
        answer["response_metadata"] = {"next_cursor": cursor("next_ts", replies[fitting].ts)}
    return answer


async def conversations_join(call: Call) -> Json:
    require(call.arguments, "channel")
    channel = call.workspace.conversation(call.arguments["channel"], member=False)
    if channel.kind != "channel":
        raise Refused("method_not_supported_for_channel_type")
    if call.workspace.bot_user in channel.members:
        return {"channel": _as_channel(call, channel), "warning": "already_in_channel"}
    channel.members.add(call.workspace.bot_user)
    call.emit_joined(channel, call.workspace.bot_user)
    return {"channel": _as_channel(call, channel)}


async def conversations_leave(call: Call) -> Json:
    require(call.arguments, "channel")
    channel = call.workspace.conversation(call.arguments["channel"], member=False)
    if channel.kind in ("im", "mpim"):
        raise Refused("method_not_supported_for_channel_type")
    if call.workspace.bot_user not in channel.members:
        return {"not_in_channel": True}
    if len(channel.members) == 1:
        raise Refused("last_member")
    channel.members.discard(call.workspace.bot_user)
    return {}


def _readable(call: Call, what: str, *, member: bool = True) -> Conversation:
    require(call.arguments, "channel")
    channel = call.workspace.conversation(call.arguments["channel"], member=member, archived=True)
    needed = f"{SCOPE_PREFIXES[channel.kind]}:{what}"
    if needed not in call.scopes:
        raise Refused("missing_scope", needed=needed, provided=",".join(sorted(call.scopes)))
    return channel


def _between(call: Call, channel: Conversation) -> list[Post]:
    """Return what everyone sees in a conversation, between the times that are asked for."""
    times = {}
    for name, otherwise in (("oldest", "0"), ("latest", "inf")):
        try:
            times[name] = float(call.arguments.get(name) or otherwise)
        except ValueError as error:
            raise Refused(f"invalid_ts_{name}") from error
    inclusive = is_true(call.arguments.get("inclusive"))
    return [
        post
        for post in call.workspace.posts
        if post.channel == channel.id
        and post.to is None
        and not post.deleted
        and (times["oldest"] < float(post.ts) < times["latest"] or (inclusive and float(post.ts) in times.values()))
    ]


def _as_message(call: Call, post: Post) -> Json:
    message = post.as_message()
    if "metadata" in message and not is_true(call.arguments.get("include_all_metadata")):
        message["metadata"] = {"event_type": message["metadata"]["event_type"]}
    if reactions := post.reacted():
        message["reactions"] = reactions
    replies = call.workspace.replies(post)
    if replies:
        users = list(dict.fromkeys(reply.user for reply in replies))
        message |= {
            "thread_ts": post.ts,
            "reply_count": len(replies),
            "reply_users": users,
            "reply_users_count": len(users),
            "latest_reply": replies[-1].ts,
        }
    elif post.thread_ts not in (None, post.ts):
        message |= call.workspace.parent_of(post)
    return message


def _as_channel(call: Call, channel: Conversation) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "channel",
        "is_archived": channel.archived,
        "is_ext_shared": channel.shared,
        "is_member": call.workspace.bot_user in channel.members,
    }


METHODS = {
    "conversations.open": (conversations_open, "im:write"),
    "conversations.info": (conversations_info, None),
    "conversations.members": (conversations_members, None),
    "conversations.history": (conversations_history, None),
    "conversations.replies": (conversations_replies, None),
    "conversations.join": (conversations_join, "channels:join"),
    "conversations.leave": (conversations_leave, "channels:manage"),
}
