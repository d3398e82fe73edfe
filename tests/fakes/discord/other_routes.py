"""The app itself, its commands, servers, members and people."""

from __future__ import annotations

from tests.fakes.discord.calls import Call, Route
from tests.fakes.discord.command_rules import check_command, check_commands
from tests.fakes.discord.errors import Problems, Refused
from tests.fakes.discord.gateway import CONTENT, MEMBERS, PRESENCES
from tests.fakes.discord.permissions import has
from tests.fakes.discord.present import channel_json, guild_json, member_json
from tests.fakes.discord.records import Guild, Json, Person
from tests.fakes.discord.world import APPLICATION, BOT, World

_CREATIONS = 200  # a day in one server, or everywhere
_ABOUT = ("name", "description", "options", "default_member_permissions", "dm_permission", "contexts", "nsfw", "type")
# A privileged intent of an app in fewer than 100 servers is a “limited” one.
_FLAGS = {PRESENCES: 1 << 13, MEMBERS: 1 << 15, CONTENT: 1 << 19}


async def me(call: Call) -> Json:
    return call.world.people[BOT].as_user() | {"verified": True, "mfa_enabled": True, "email": None, "locale": "en-US"}


async def application(call: Call) -> Json:
    flags = sum(flag for intent, flag in _FLAGS.items() if call.privileged & intent)
    return {
        "id": APPLICATION,
        "name": "Homeroom",
        "description": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "summary": "",
        "team": None,
        "owner": Person("1", "Operator").as_user(),
        "flags": flags,
        "flags_new": str(flags),
        "type": None,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": [],
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "bot": call.world.people[BOT].as_user(),
        "approximate_guild_count": len(call.world.guilds),
    }


async def person(call: Call) -> Json:
    found = call.world.people.get(call.names["user"])
    if found is None:
        raise Refused(10013)
    return found.as_user()


async def guild(call: Call) -> Json:
    found = _guild(call)
    full = guild_json(call.world, found, everybody=False)
    return {name: value for name, value in full.items() if name not in ("members", "channels", "threads")}


async def channels(call: Call) -> list[Json]:
    found = _guild(call)
    return [
        channel_json(call.world, c) for c in call.world.channels.values() if c.guild == found.id and not c.is_thread
    ]


async def roles(call: Call) -> list[Json]:
    return [role.as_json(number) for number, role in enumerate(_guild(call).roles.values())]


async def member(call: Call) -> Json:
    found, user = _guild(call), call.names["user"]
    if user not in call.world.people:
        raise Refused(10013)
    if user not in found.members:
        raise Refused(10007)
    return member_json(call.world, found, user)


async def members(call: Call) -> list[Json]:
    """List members; that needs the members intent, searching by name does not."""
    if not call.privileged & MEMBERS:
        raise Refused(50001)
    found = _guild(call)
    after, limit = int(call.query.get("after", "0")), int(call.query.get("limit", "1"))
    users = sorted((each for each in found.members if int(each) > after), key=int)
    return [member_json(call.world, found, each) for each in users[:limit]]


async def search(call: Call) -> list[Json]:
    found = _guild(call)
    start, limit = call.query.get("query", "").lower(), int(call.query.get("limit", "1"))
    users = [each for each in found.members if call.world.people[each].name.lower().startswith(start)]
    return [member_json(call.world, found, each) for each in users[:limit]]


async def leave(call: Call) -> None:
    found = _guild(call)
    del found.members[BOT]
    call.events.left(found, unavailable=False)


async def commands(call: Call) -> list[Json]:
    return list(call.world.commands.get(_scope(call), {}).values())


async def overwrite(call: Call) -> list[Json]:
    """Put a whole list of commands in the place of the one there was. One that is the same keeps id and version."""
    check_commands(call.body)
    scope = _scope(call)
    before = call.world.commands.get(scope, {})
    after = [_kept(call.world, scope, before, command) for command in call.body]
    call.world.commands[scope] = {command["id"]: command for command in after}
    return after


async def create(call: Call) -> Json:
    scope = _scope(call)
    problems = Problems()
    check_command(call.body, (), problems)
    problems.raise_any()
    kept = _kept(call.world, scope, call.world.commands.get(scope, {}), call.body)
    call.world.commands.setdefault(scope, {})[kept["id"]] = kept
    return kept


async def command(call: Call) -> Json:
    return _command(call)


async def delete(call: Call) -> None:
    found = _command(call)
    del call.world.commands[_scope(call)][found["id"]]


def _kept(world: World, scope: str, before: dict[str, Json], given: Json) -> Json:
    """Return a command as it is kept. Raises `Refused` where too many new ones were made today."""
    filled: Json = {"description": "", "options": [], "type": 1, "default_member_permissions": None, "nsfw": False}
    filled |= {"dm_permission": True, "contexts": None}
    filled |= {name: given[name] for name in _ABOUT if given.get(name) is not None}
    if filled["default_member_permissions"] is not None:
        filled["default_member_permissions"] = str(filled["default_member_permissions"])
    old = next((c for c in before.values() if (c["name"], c["type"]) == (filled["name"], filled["type"])), None)
    if old is None:
        world.creations[scope] = world.creations.get(scope, 0) + 1
        if world.creations[scope] > _CREATIONS:
            raise Refused(30034)
    elif all(old[name] == filled[name] for name in filled):
        return old
    key = world.next_id()
    about = {"id": old["id"] if old else key, "application_id": APPLICATION, "version": key}
    return filled | about | ({"guild_id": scope} if scope else {})


def _scope(call: Call) -> str:
    if call.names["application"] != APPLICATION:
        raise Refused(20012)
    scope = call.names.get("guild", "")
    if scope and (scope not in call.world.guilds or BOT not in call.world.guilds[scope].members):
        raise Refused(50001)
    return scope


def _command(call: Call) -> Json:
    found = call.world.commands.get(_scope(call), {}).get(call.names["command"])
    if found is None:
        raise Refused(10063)
    return found


def _guild(call: Call) -> Guild:
    found = call.world.guilds.get(call.names["guild"])
    if found is None or BOT not in found.members:
        raise Refused(10004)
    return found


def visible_to(world: World, found: Json, user: str, channel: str) -> bool:
    """Whether somebody's client offers them a command there."""
    place = world.channels[channel]
    if place.guild is None:
        return bool(found["dm_permission"]) and (found["contexts"] is None or 1 in found["contexts"])
    if found["contexts"] is not None and 0 not in found["contexts"]:
        return False
    granted = world.permissions(user, place)
    needed = int(found["default_member_permissions"] or 0)
    return has(granted, "use_application_commands") and (has(granted, "administrator") or granted & needed == needed)


_GUILD = "/guilds/{guild}"
_APP = "/applications/{application}"
ROUTES = {
    "GET /users/@me": Route(me),
    "GET /users/{user}": Route(person),
    "GET /oauth2/applications/@me": Route(application),
    "GET /applications/@me": Route(application),
    f"GET {_GUILD}": Route(guild),
    f"GET {_GUILD}/channels": Route(channels),
    f"GET {_GUILD}/roles": Route(roles),
    f"GET {_GUILD}/members/search": Route(search),
    f"GET {_GUILD}/members/{{user}}": Route(member),
    f"GET {_GUILD}/members": Route(members),
    "DELETE /users/@me/guilds/{guild}": Route(leave),
    **{
        f"{method} {_APP}{scope}/commands{one}": Route(work, status)
        for scope in ("", _GUILD)
        for method, one, work, status in (
            ("GET", "", commands, 200),
            ("PUT", "", overwrite, 200),
            ("POST", "", create, 201),
            ("GET", "/{command}", command, 200),
            ("DELETE", "/{command}", delete, 200),
        )
    },
}
