"""People, conversations, reactions, views, assistant threads and the app's own connection."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.fakes.slack.blocks import Refused, check_view
from tests.fakes.slack.calls import Call, Json
from tests.fakes.slack.decode import require
from tests.fakes.slack.workspace import Conversation, Opened, Person


async def auth_test(call: Call) -> Json:
    place = call.workspace
    return {
        "url": "https://school.slack.com/",
        "team": "School",
        "user": "homeroom",
        "team_id": place.team_id,
        "user_id": place.bot_user,
        "bot_id": place.bot_id,
        "is_enterprise_install": False,
    }


async def auth_revoke(call: Call) -> Json:
    call.workspace.revoked = True
    return {"revoked": True}


async def users_info(call: Call) -> Json:
    require(call.arguments, "user")
    person = call.workspace.people.get(call.arguments["user"])
    if person is None:
        raise Refused("user_not_found")
    return {"user": _as_user(call, person)}


async def users_lookup(call: Call) -> Json:
    require(call.arguments, "email")
    wanted = str(call.arguments["email"]).casefold()
    for person in call.workspace.people.values():
        if person.email and person.email.casefold() == wanted and not person.stranger:
            return {"user": _as_user(call, person)}
    raise Refused("users_not_found")


async def conversations_open(call: Call) -> Json:
    require(call.arguments, "users")
    users = call.arguments["users"]
    names = users.split(",") if isinstance(users, str) else list(users)
    if len(names) != 1:
        raise Refused("too_many_users")
    channel = call.workspace.direct(names[0])
    return {"channel": {"id": channel.id}, "no_op": False, "already_open": False}


async def conversations_info(call: Call) -> Json:
    require(call.arguments, "channel")
    channel = call.workspace.conversation(call.arguments["channel"], member=False)
    return {"channel": _as_channel(call, channel)}


async def conversations_members(call: Call) -> Json:
    require(call.arguments, "channel")
    channel = call.workspace.conversation(call.arguments["channel"], member=False)
    return {"members": sorted(channel.members), "response_metadata": {"next_cursor": ""}}


async def conversations_replies(call: Call) -> Json:
    require(call.arguments, "channel", "ts")
    channel = call.workspace.conversation(call.arguments["channel"])
    root = call.workspace.find(channel.id, call.arguments["ts"], "thread_not_found")
    thread = [p for p in call.workspace.posts if p.channel == channel.id and p.to is None and not p.deleted]
    found = [post.as_message() for post in thread if root.ts in (post.ts, post.thread_ts)]
    return {"messages": found, "has_more": False}


async def reactions_add(call: Call) -> Json:
    names = _reactors(call)
    if call.workspace.bot_user in names:
        raise Refused("already_reacted")
    names.append(call.workspace.bot_user)
    return {}


async def reactions_remove(call: Call) -> Json:
    names = _reactors(call)
    if call.workspace.bot_user not in names:
        raise Refused("no_reaction")
    names.remove(call.workspace.bot_user)
    return {}


async def views_open(call: Call) -> Json:
    require(call.arguments, "trigger_id", "view")
    user = call.workspace.use_trigger(call.arguments["trigger_id"])
    return {"view": _keep(call, user, _checked(call, "modal"))}


async def views_update(call: Call) -> Json:
    require(call.arguments, "view_id", "view")
    opened = call.workspace.views.get(call.arguments["view_id"])
    if opened is None or not opened.open:
        raise Refused("not_found")
    if call.arguments.get("hash") not in (None, opened.hash):
        raise Refused("hash_conflict")
    opened.view, opened.errors = _checked(call, opened.view["type"]), {}
    opened.hash = _hash(opened.view)
    return {"view": _as_view(call, opened)}


async def views_publish(call: Call) -> Json:
    require(call.arguments, "user_id", "view")
    user = call.arguments["user_id"]
    if user not in call.workspace.people:
        raise Refused("user_not_found")
    view = _checked(call, "home")
    opened = Opened(call.workspace.next_id("V"), user, view, _hash(view))
    call.workspace.homes[user] = opened
    return {"view": _as_view(call, opened)}


async def set_status(call: Call) -> Json:
    require(call.arguments, "channel_id", "thread_ts")
    if "status" not in call.arguments:
        raise Refused("invalid_arguments", "[ERROR] missing required field: status")
    call.workspace.conversation(call.arguments["channel_id"])
    call.workspace.statuses.append(dict(call.arguments))
    return {}


async def set_suggested_prompts(call: Call) -> Json:
    require(call.arguments, "channel_id", "prompts")
    prompts = call.arguments["prompts"]
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= 4:
        raise Refused("invalid_arguments", "between 1 and 4 prompts")
    if any(not prompt.get("title") or not prompt.get("message") for prompt in prompts):
        raise Refused("invalid_arguments", "a prompt has a title and a message")
    call.workspace.conversation(call.arguments["channel_id"])
    call.workspace.prompts.append(dict(call.arguments))
    return {}


def _as_user(call: Call, person: Person) -> Json:
    return person.as_user(with_email="users:read.email" in call.scopes)


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


def _reactors(call: Call) -> list[str]:
    require(call.arguments, "name", "channel", "timestamp")
    channel = call.workspace.conversation(call.arguments["channel"])
    post = call.workspace.find(channel.id, call.arguments["timestamp"])
    return post.reactions.setdefault(call.arguments["name"], [])


def _checked(call: Call, kind: str) -> Json:
    view: Any = call.arguments["view"]
    if not isinstance(view, dict) or view.get("type") != kind:
        raise Refused("invalid_arguments", f"view.type must be {kind}")
    check_view(view)
    return dict(view)


def _keep(call: Call, user: str, view: Json) -> Json:
    opened = Opened(call.workspace.next_id("V"), user, view, _hash(view))
    call.workspace.views[opened.id] = opened
    return _as_view(call, opened)


def _as_view(call: Call, opened: Opened) -> Json:
    ids = {"id": opened.id, "team_id": call.workspace.team_id, "app_id": call.workspace.app_id, "hash": opened.hash}
    return opened.view | ids | {"state": {"values": {}}}


def _hash(view: Json) -> str:
    return hashlib.sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()[:12]


METHODS = {
    "auth.test": (auth_test, None),
    "auth.revoke": (auth_revoke, None),
    "users.info": (users_info, "users:read"),
    "users.lookupByEmail": (users_lookup, "users:read.email"),
    "conversations.open": (conversations_open, "im:write"),
    "conversations.info": (conversations_info, "channels:read"),
    "conversations.members": (conversations_members, "channels:read"),
    "conversations.replies": (conversations_replies, "channels:history"),
    "reactions.add": (reactions_add, "reactions:write"),
    "reactions.remove": (reactions_remove, "reactions:write"),
    "views.open": (views_open, None),
    "views.update": (views_update, None),
    "views.publish": (views_publish, None),
    "assistant.threads.setStatus": (set_status, "assistant:write"),
    "assistant.threads.setSuggestedPrompts": (set_suggested_prompts, "assistant:write"),
}
