"""How much the local Discord takes: of text, embeds, components and commands, asked by discord.py."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from tests.fakes.discord_server import DiscordServer
from tests.surfaces.discord_echo import post, refusal

Json = dict[str, Any]


def button(**more: Any) -> Json:
    return {"type": 2, "style": 1, "label": "Go", "custom_id": "go"} | more


def row(*components: Json) -> Json:
    return {"type": 1, "components": list(components)}


def select(**more: Any) -> Json:
    return row({"type": 3, "custom_id": "s", "options": [{"label": "a", "value": "a"}]} | more)


def said(text: str) -> Json:
    return {"type": 10, "content": text}


V2 = 1 << 15
TOO_MUCH: list[tuple[Json, str]] = [
    ({"content": "x" * 2001}, "content: Must be 2000 or fewer in length."),
    ({"content": 5}, "content: Could not interpret"),
    ({"embeds": [{"title": "x"}] * 11}, "embeds: Must be between 0 and 10 in length."),
    ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title: Must be 256"),
    ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description: Must be 4096"),
    ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds: Embed size exceeds maximum size of 6000"),
    ({"embeds": [{"fields": [{"name": "a", "value": "b"}] * 26}]}, "embeds.0.fields: Must be between 0 and 25"),
    ({"embeds": [{"fields": [{"name": "a", "value": ""}]}]}, "embeds.0.fields.0.value: Must be between 1 and 1024"),
    ({"embeds": [{"url": "ftp://x"}]}, "embeds.0.url: Scheme"),
    ({"content": "x", "nonce": "n" * 26}, "nonce: Must be 25"),
    ({"content": "x", "components": [row(button())] * 6}, "components: Must be between 1 and 5"),
    ({"content": "x", "components": [row(*[button()] * 6)]}, "components.0.components: Must be between 1 and 5"),
    ({"content": "x", "components": [row(button(), button())]}, "components: Component custom_id cannot be duplicated"),
    ({"content": "x", "components": [row(button(custom_id="x" * 101))]}, "custom_id: Must be between 1 and 100"),
    ({"content": "x", "components": [row(button(label="x" * 81))]}, "label: Must be 80"),
    ({"content": "x", "components": [row(button(label=""))]}, "must have a label"),
    ({"content": "x", "components": [row(button(style=5))]}, "url: This field is required"),
    ({"content": "x", "components": [row(button(), select()["components"][0])]}, "Action row width exceeded"),
    (
        {"content": "x", "components": [select(options=[{"label": "a", "value": str(n)} for n in range(26)])]},
        "1 and 25",
    ),
    ({"content": "x", "components": [select(options=[{"label": "a", "value": "a"}] * 2)]}, "already used"),
    ({"content": "x", "components": [select(placeholder="x" * 151)]}, "placeholder: Must be 150"),
    ({"content": "x", "components": [select(max_values=2)]}, "more values than options"),
    ({"content": "x", "components": [said("x")]}, "components.0.type"),
    ({"content": "x", "flags": V2, "components": [said("x")]}, "content: The components_v2 flag"),
    ({"flags": V2, "components": [said("x" * 2001)] * 2}, "exceeds maximum size of 4000"),
    ({"flags": V2, "components": [said("x")] * 41}, "The maximum number is 40"),
    ({"flags": V2, "components": [{"type": 17, "components": [said("x")] * 40}]}, "The maximum number is 40"),
    ({"flags": V2, "components": [{"type": 9, "components": [said("x")]}]}, "accessory"),
    ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, "mutually exclusive"),
    ({"content": "x", "message_reference": {"message_id": "1"}}, "message_reference: Unknown message"),
]


@pytest.mark.parametrize(("body", "message"), TOO_MUCH, ids=[message for _, message in TOO_MUCH])
async def test_too_much_is_refused_with_what_is_wrong_where(
    local: DiscordServer, rest: discord.Client, body: Json, message: str
) -> None:
    error = await refusal(post(rest, **body))
    assert (error.status, error.code) == (400, 50035)
    assert message in str(error).replace("In ", "")
    assert local.workspace.posts == []


async def test_what_just_fits_is_taken(local: DiscordServer, rest: discord.Client) -> None:
    await post(rest, content=" " + "x" * 1998 + " ", embeds=[{"description": "x" * 4096}, {"description": "x" * 1904}])
    rows = [row(*(button(custom_id=f"{r}.{n}") for n in range(5))) for r in range(5)]
    await post(rest, content="x", components=rows)
    container = {"type": 17, "components": [said("x" * 100)] * 38}
    await post(rest, flags=V2, components=[container, said("x" * 200)])
    first, *_ = local.workspace.shown("21")
    assert len(first.content) == 1998


def option(kind: int = 3, **more: Any) -> Json:
    return {"type": kind, "name": "o", "description": "o"} | more


BAD_COMMANDS: list[tuple[Json, str]] = [
    ({"name": "Ask"}, "0.name: Command name is invalid"),
    ({"name": "two words"}, "0.name: Command name is invalid"),
    ({"name": "x" * 33}, "0.name: Must be between 1 and 32"),
    ({"description": ""}, "0.description: Must be between 1 and 100"),
    ({"description": "x" * 101}, "0.description: Must be between 1 and 100"),
    ({"options": [option(name=f"o{n}") for n in range(26)]}, "0.options: Must be between 0 and 25"),
    ({"options": [option(), option()]}, "Option names must be unique"),
    ({"options": [option(), option(name="p", required=True)]}, "Required options must be placed before"),
    ({"options": [option(choices=[{"name": "a", "value": "a"}] * 26)]}, "choices: Must be between 0 and 25"),
    ({"options": [option(choices=[{"name": "a", "value": "x" * 101}])]}, "value: Must be between 1 and 100"),
    ({"options": [option(choices=[{"name": "a", "value": "a"}], autocomplete=True)]}, "Autocomplete cannot"),
    ({"options": [option(1), option(3, name="p")]}, "mutually exclusive"),
    ({"options": [option(1, options=[option(1)])]}, "Nested too deep"),
    ({"type": 3}, "Context menu commands cannot have description"),
]


@pytest.mark.parametrize(("change", "message"), BAD_COMMANDS, ids=[message for _, message in BAD_COMMANDS])
async def test_commands_are_held_against_their_limits(
    local: DiscordServer, rest: discord.Client, change: Json, message: str
) -> None:
    command: Any = {"name": "ask", "description": "Ask"} | change
    error = await refusal(rest.http.bulk_upsert_global_commands(int(local.application_id), [command]))
    assert error.code == 50035
    assert message in str(error).replace("In ", "")


def field(**more: Any) -> Json:
    return {"type": 18, "label": "Text", "component": {"type": 4, "custom_id": "text", "style": 1} | more}


FORM = {"custom_id": "form", "title": "A form"}
BAD_FORMS: list[tuple[Json, str]] = [
    ({"title": "x" * 46, "components": [field()]}, "data.title: Must be between 1 and 45"),
    ({"custom_id": "", "components": [field()]}, "data.custom_id: Must be between 1 and 100"),
    ({"components": []}, "data.components: Must be between 1 and 5"),
    ({"components": [field(custom_id=f"f{n}") for n in range(6)]}, "data.components: Must be between 1 and 5"),
    ({"components": [field(), field()]}, "Component custom_id cannot be duplicated"),
    ({"components": [field() | {"label": "x" * 46}]}, "label: Must be between 1 and 45"),
    ({"components": [field() | {"description": "x" * 101}]}, "description: Must be between 1 and 100"),
    ({"components": [field(value="x" * 4001)]}, "value: Must be 4000"),
    ({"components": [field(placeholder="x" * 101)]}, "placeholder: Must be 100"),
    ({"components": [row(field()["component"])]}, "label: This field is required"),
    ({"components": [row(button())]}, "components.0.components.0.type"),
]


@pytest.mark.parametrize(("change", "message"), BAD_FORMS, ids=[message for _, message in BAD_FORMS])
async def test_forms_are_held_against_their_limits(
    local: DiscordServer, rest: discord.Client, change: Json, message: str
) -> None:
    ask: Any = {"name": "ask", "description": "Ask"}
    await rest.http.bulk_upsert_global_commands(int(local.application_id), [ask])
    asked = local.people.command("11", "21", "ask")
    route = discord.http.Route("POST", f"/interactions/{asked.id}/{asked.token}/callback")
    error = await refusal(rest.http.request(route, json={"type": 9, "data": FORM | change}))
    assert error.code == 50035
    assert message in str(error).replace("In ", "")
    assert not asked.acknowledged
    await rest.http.request(route, json={"type": 9, "data": FORM | {"components": [field()]}})
    assert asked.modal is not None
