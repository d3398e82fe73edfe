"""Slash commands as people type them: the client lets them send only what the command's definition takes."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.command_rules import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    GROUP,
    INTEGER,
    MENTIONABLE,
    NUMBER,
    ROLE,
    STRING,
    USER,
)
from tests.fakes.discord.interacting import Interacting
from tests.fakes.discord.other_routes import visible_to
from tests.fakes.discord.present import message_json
from tests.fakes.discord.records import Interaction, Json, Post
from tests.fakes.discord.rules import given

_NAMED = (USER, CHANNEL, ROLE, MENTIONABLE)
_COMMAND, _AUTOCOMPLETE = 2, 4
_PYTHON: dict[int, type | tuple[type, ...]] = {STRING: str, INTEGER: int, BOOLEAN: bool, NUMBER: (int, float)}


class Slash(Interacting):
    """People's commands. `name` may go on with the names of a group and a subcommand: “class members add”."""

    def command(self, user: str, channel: str, name: str, /, **options: Any) -> Interaction:
        """Send a command. A person, role or channel is its id; an attachment a name and bytes."""
        found, path, offered = self._offered(user, channel, name)
        missing = [o["name"] for o in offered.values() if o.get("required") and o["name"] not in options]
        assert not missing, f"Discord would not send /{name} without {missing}"
        ids: list[str] = []
        typed = [self._typed(offered, channel, key, value, ids) for key, value in options.items()]
        data = _data(found, path, typed)
        if ids:
            data["resolved"] = self._resolve(channel, ids)
        return self._interact(_COMMAND, user, channel, data)

    def autocomplete(self, user: str, channel: str, name: str, /, *, focused: str, **options: Any) -> Interaction:
        """Type in the option named by `focused`, for its choices; they are in `choices` once the app answers."""
        found, path, offered = self._offered(user, channel, name)
        assert offered[focused].get("autocomplete"), f"{focused} is not completed"
        typed: list[Json] = []
        for key, value in options.items():
            typed.append({"name": key, "type": offered[key]["type"], "value": value})
            if key == focused:
                typed[-1]["focused"] = True
        return self._interact(_AUTOCOMPLETE, user, channel, _data(found, path, typed))

    def on_message(self, user: str, post: Post, name: str) -> Interaction:
        """Choose a command from a message's menu."""
        found = self._command(user, post.channel, name, 3)
        data: Json = {"id": found["id"], "name": found["name"], "type": 3, "target_id": post.id}
        data["resolved"] = {"messages": {post.id: message_json(self.world, post)}}
        return self._interact(_COMMAND, user, post.channel, data)

    def commands(self, user: str, channel: str) -> list[str]:
        """Return the names of the commands that somebody's client offers there."""
        return [each["name"] for each in self._registered(channel) if visible_to(self.world, each, user, channel)]

    def _registered(self, channel: str) -> list[Json]:
        scopes = ("", self.world.channels[channel].guild or "")
        return [each for scope in dict.fromkeys(scopes) for each in self.world.commands.get(scope, {}).values()]

    def _command(self, user: str, channel: str, name: str, kind: int = 1) -> Json:
        found = [each for each in self._registered(channel) if (each["name"], each["type"]) == (name, kind)]
        assert found, f"no command {name} is registered"
        assert visible_to(self.world, found[0], user, channel), f"{user} is not offered {name} here"
        return found[0]

    def _offered(self, user: str, channel: str, name: str) -> tuple[Json, list[Json], dict[str, Json]]:
        """Return a command, the way to its subcommand, and the options that takes."""
        first, *rest = name.split()
        found = self._command(user, channel, first)
        path: list[Json] = []
        options = found["options"]
        for step in rest:
            part = next((o for o in options if o["name"] == step and o["type"] <= GROUP), None)
            assert part is not None, f"/{name} is not registered"
            path.append(part)
            options = part.get("options") or []
        assert all(option["type"] > GROUP for option in options), f"/{name} needs a subcommand"
        return found, path, {option["name"]: option for option in options}

    def _typed(self, offered: dict[str, Json], channel: str, key: str, value: Any, ids: list[str]) -> Json:
        """Return an option as it is sent, and note in `ids` what it names."""
        assert key in offered, f"there is no option {key}"
        option = offered[key]
        kind = option["type"]
        if kind == ATTACHMENT:
            name, content = value
            value = self.world.add_file(channel, name, content).id
        else:
            assert isinstance(value, _PYTHON.get(kind, str)), f"{key} takes {_PYTHON.get(kind, str)}"
        if kind in _NAMED or kind == ATTACHMENT:
            ids.append(value)
        if option.get("choices"):
            assert value in [choice["value"] for choice in option["choices"]], f"{value!r} is not offered for {key}"
        if kind == STRING:
            least, most = given(option, "min_length", 0), given(option, "max_length", 6000)
            assert least <= len(value) <= most, f"{key} takes {least} to {most} characters"
        if kind in (INTEGER, NUMBER):
            least, most = given(option, "min_value", value), given(option, "max_value", value)
            assert least <= value <= most, f"{key} takes {least} to {most}"
        return {"name": key, "type": kind, "value": value}


def _data(found: Json, path: list[Json], typed: list[Json]) -> Json:
    options = typed
    for part in reversed(path):
        options = [{"name": part["name"], "type": part["type"], "options": options}]
    data: Json = {"id": found["id"], "name": found["name"], "type": found["type"], "options": options}
    return data | ({"guild_id": found["guild_id"]} if "guild_id" in found else {})
