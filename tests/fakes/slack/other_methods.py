"""People, reactions and assistant threads."""

from __future__ import annotations

from tests.fakes.slack.blocks import Refused
from tests.fakes.slack.calls import Call, Json
from tests.fakes.slack.decode import require
from tests.fakes.slack.workspace import Person, Post


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


async def reactions_add(call: Call) -> Json:
    post, names = _reactors(call)
    if call.workspace.bot_user in names:
        raise Refused("already_reacted")
    names.append(call.workspace.bot_user)
    call.emit_reaction(post, call.arguments["name"], added=True)
    return {}


async def reactions_remove(call: Call) -> Json:
    post, names = _reactors(call)
    if call.workspace.bot_user not in names:
        raise Refused("no_reaction")
    names.remove(call.workspace.bot_user)
    call.emit_reaction(post, call.arguments["name"], added=False)
    return {}


async def reactions_get(call: Call) -> Json:
    require(call.arguments, "channel", "timestamp")
    channel = call.workspace.conversation(call.arguments["channel"])
    post = call.workspace.find(channel.id, call.arguments["timestamp"])
    message = post.as_message() | {"permalink": call.workspace.permalink(post)}
    if reactions := post.reacted():
        message["reactions"] = reactions
    return {"type": "message", "channel": channel.id, "message": message}


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


def _reactors(call: Call) -> tuple[Post, list[str]]:
    require(call.arguments, "name", "channel", "timestamp")
    channel = call.workspace.conversation(call.arguments["channel"])
    post = call.workspace.find(channel.id, call.arguments["timestamp"])
    return post, post.reactions.setdefault(call.arguments["name"], [])


METHODS = {
    "users.info": (users_info, "users:read"),
    "users.lookupByEmail": (users_lookup, "users:read.email"),
    "reactions.add": (reactions_add, "reactions:write"),
    "reactions.get": (reactions_get, "reactions:read"),
    "reactions.remove": (reactions_remove, "reactions:write"),
    "assistant.threads.setStatus": (set_status, "assistant:write"),
    "assistant.threads.setSuggestedPrompts": (set_suggested_prompts, "assistant:write"),
}
