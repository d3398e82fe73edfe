"""Answers to interactions: the callback within three seconds, and what follows within fifteen minutes."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.calls import Call, Route
from tests.fakes.discord.command_rules import STRING, check_choices
from tests.fakes.discord.component_rules import check_modal
from tests.fakes.discord.errors import Json, Problems, Refused
from tests.fakes.discord.message_rules import EPHEMERAL, LOADING
from tests.fakes.discord.present import message_json, numbered
from tests.fakes.discord.records import Interaction, Modal, Post
from tests.fakes.discord.world import APPLICATION
from tests.fakes.discord.writing import about_interaction, put_answer, rewrite, write_answer

SECONDS, MINUTES = 3.0, 15 * 60.0
MESSAGE, THINKING, LATER, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
COMMAND, COMPONENT, AUTOCOMPLETE, SUBMITTED = 2, 3, 4, 5


async def callback(call: Call) -> Json | None:
    interaction = call.world.interactions.get(call.names["interaction"])
    if interaction is None or interaction.token != call.names["token"]:
        raise Refused(10062)
    if interaction.acknowledged:
        raise Refused(40060)
    if call.world.clock() > interaction.began + SECONDS:
        raise Refused(10062)
    kind = call.body.get("type") if isinstance(call.body, dict) else None
    data = call.body.get("data") or {}
    if kind not in _allowed(interaction):
        problems = Problems()
        problems.add(("type",), "BASE_TYPE_CHOICES", f"Value must be one of {_allowed(interaction)}.")
        problems.raise_any()
    _answer(call, interaction, int(kind or 0), data)
    interaction.answer = kind
    if interaction.from_modal is not None:
        interaction.from_modal.open = False
    if call.query.get("with_response", "").lower() not in ("1", "true"):
        return None
    return _reply(call, interaction)


def _allowed(interaction: Interaction) -> tuple[int, ...]:
    """Return the types of callback that an interaction may be answered with."""
    if interaction.kind == AUTOCOMPLETE:
        return (CHOICES,)
    on_message = interaction.source is not None
    modal = () if interaction.kind == SUBMITTED else (MODAL,)
    return (MESSAGE, THINKING, *((LATER, UPDATE) if on_message else ()), *modal)


def _answer(call: Call, interaction: Interaction, kind: int, data: Json) -> None:
    private = bool((data.get("flags") or 0) & EPHEMERAL)
    world = call.world
    match kind:
        case 4:
            interaction.post = write_answer(world, interaction, data, call.files, ephemeral=private)
            call.events.posted(interaction.post)
        case 5:
            interaction.post = put_answer(world, interaction, {}, {}, ephemeral=private, loading=True)
            interaction.waiting = True
            call.events.posted(interaction.post)
        case 6:
            interaction.post = interaction.source
        case 7:
            assert interaction.source is not None
            rewrite(world, interaction.source, data, call.files)
            interaction.post = interaction.source
            call.events.edited(interaction.source)
        case 8:
            problems = Problems()
            focused = _focused(interaction.data.get("options") or [])
            check_choices(data.get("choices") or [], focused.get("type", STRING), ("data", "choices"), problems)
            problems.raise_any()
            interaction.choices = list(data.get("choices") or [])
        case 9:
            problems = Problems()
            check_modal(data, problems, ("data",))
            problems.raise_any()
            components = numbered(list(data["components"]))
            user, channel, source = interaction.user, interaction.channel, interaction.source
            about = about_interaction(world, interaction)
            modal = Modal(user, channel, data["custom_id"], data["title"], components, source, about)
            interaction.modal = modal
            world.modals.append(modal)


def _focused(options: list[Json]) -> Json:
    for option in options:
        if option.get("focused"):
            return option
        found = _focused(option.get("options") or [])
        if found:
            return found
    return {}


def _reply(call: Call, interaction: Interaction) -> Json:
    about: Json = {"id": interaction.id, "type": interaction.kind, "channel_id": interaction.channel}
    answer: Json = {"interaction": about}
    if interaction.answer in (MESSAGE, THINKING, UPDATE) and interaction.post is not None:
        post = interaction.post
        about |= {
            "response_message_id": post.id,
            "response_message_loading": bool(post.flags & LOADING),
            "response_message_ephemeral": post.to is not None,
        }
    # The published specification knows a resource for these two only, so nothing may rely on one with “thinking”.
    if interaction.answer in (MESSAGE, UPDATE) and interaction.post is not None:
        answer["resource"] = {"type": interaction.answer, "message": message_json(call.world, interaction.post)}
    return answer


def _of_token(call: Call) -> Interaction:
    """Return the interaction whose token is in the path. Raises `Refused`."""
    if call.names["application"] != APPLICATION:
        raise Refused(10015)
    for interaction in call.world.interactions.values():
        if interaction.token == call.names["token"]:
            if call.world.clock() > interaction.began + MINUTES:
                raise Refused(50027)
            if not interaction.acknowledged:
                raise Refused(10015)
            return interaction
    raise Refused(10015)


def _post_of(call: Call, interaction: Interaction) -> Post:
    key = call.names["message"]
    posts = [interaction.post] if key == "@original" else [*interaction.posts, interaction.source]
    for post in posts:
        if post is not None and not post.deleted and key in ("@original", post.id):
            return post
    raise Refused(10008)


async def follow_up(call: Call) -> Json:
    """Post another message. The first after “thinking” takes its place, and is private just where that was."""
    interaction = _of_token(call)
    if interaction.waiting and interaction.post is not None:
        rewrite(call.world, interaction.post, call.body, call.files)
        interaction.waiting = False
        call.events.edited(interaction.post)
        return message_json(call.world, interaction.post)
    body: Any = call.body
    private = bool((body.get("flags") or 0) & EPHEMERAL)
    post = write_answer(call.world, interaction, body, call.files, ephemeral=private)
    call.events.posted(post)
    return message_json(call.world, post)


async def get(call: Call) -> Json:
    return message_json(call.world, _post_of(call, _of_token(call)))


async def edit(call: Call) -> Json:
    interaction = _of_token(call)
    post = _post_of(call, interaction)
    rewrite(call.world, post, call.body, call.files)
    if post is interaction.post:
        interaction.waiting = False
    call.events.edited(post)
    return message_json(call.world, post)


async def delete(call: Call) -> None:
    interaction = _of_token(call)
    post = _post_of(call, interaction)
    post.deleted = True
    call.events.deleted(post)


_HOOK = "/webhooks/{application}/{token}"
ROUTES = {
    "POST /interactions/{interaction}/{token}/callback": Route(callback, token=False),
    f"POST {_HOOK}": Route(follow_up, token=False),
    f"GET {_HOOK}/messages/{{message}}": Route(get, token=False),
    f"PATCH {_HOOK}/messages/{{message}}": Route(edit, token=False),
    f"DELETE {_HOOK}/messages/{{message}}": Route(delete, token=False),
}
