"""Messages as the app writes them: posted, edited, with files, mentions and components."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.calls import Files
from tests.fakes.discord.component_rules import TEXT, walk
from tests.fakes.discord.errors import Problems, Refused
from tests.fakes.discord.mentions import PEOPLE_ONLY, mentioned
from tests.fakes.discord.message_rules import (
    EPHEMERAL,
    LOADING,
    SILENT,
    V2,
    check_files,
    check_message,
    is_empty,
)
from tests.fakes.discord.permissions import has
from tests.fakes.discord.present import numbered
from tests.fakes.discord.records import REPLY, SLASH, Channel, File, Interaction, Json, Post
from tests.fakes.discord.world import BOT, World, now

COMMAND, COMPONENT = 2, 3  # types of interaction
_SETTABLE = 1 << 2 | SILENT | V2


def write(world: World, channel: Channel, body: Any, files: Files, **more: Any) -> Post:
    """Post as the bot. Raises `Refused`. `id` gives the message its id, as a forum post's first one has."""
    v2 = bool(_flags(body) & V2)
    check_message(body, v2=v2)
    check_files(files)
    if is_empty(body, files=bool(files)):
        raise Refused(50006)
    reference, replied_to = _reference(world, channel, body)
    post = world.add_post(
        channel.id,
        BOT,
        str(body.get("content") or "").strip(),
        embeds=list(body.get("embeds") or ()),
        components=numbered(list(body.get("components") or ())),
        files=_kept_files(world, channel, body, files, []),
        flags=_flags(body) & _SETTABLE,
        nonce=None if body.get("nonce") is None else str(body["nonce"]),
        reference=reference,
        kind=REPLY if reference else 0,
        **more,
    )
    may_all = has(world.permissions(BOT, channel), "mention_everyone")
    _mention(post, body.get("allowed_mentions"), may_all=may_all, replied_to=replied_to)
    return post


def write_answer(world: World, interaction: Interaction, body: Any, files: Files, *, ephemeral: bool) -> Post:
    """Post as the answer to an interaction: it may be for one person, and by itself mentions people only."""
    check_message(body, v2=bool(_flags(body) & V2))
    check_files(files)
    if is_empty(body, files=bool(files)):
        raise Refused(50006)
    return put_answer(world, interaction, body, files, ephemeral=ephemeral)


def put_answer(
    world: World, interaction: Interaction, body: Json, files: Files, *, ephemeral: bool, loading: bool = False
) -> Post:
    """Post an answer that is in order; with `loading` it says for now that the app is thinking."""
    channel = world.channels[interaction.channel]
    user = interaction.user
    first = not interaction.posts
    referred = None
    if interaction.post is not None:
        referred = {"type": 0, "channel_id": channel.id, "message_id": interaction.post.id}
    post = world.add_post(
        channel.id,
        BOT,
        str(body.get("content") or "").strip(),
        embeds=list(body.get("embeds") or ()),
        components=numbered(list(body.get("components") or ())),
        files=_kept_files(world, channel, body, files, []),
        flags=_flags(body) & _SETTABLE | (EPHEMERAL if ephemeral else 0) | (LOADING if loading else 0),
        to=user if ephemeral else None,
        kind=SLASH if first and interaction.kind == COMMAND else REPLY if referred else 0,
        reference=None if first else referred,
        about=about_interaction(world, interaction),
    )
    _mention(post, body.get("allowed_mentions", PEOPLE_ONLY), may_all=False)
    if ephemeral:
        post.pings = frozenset()
    interaction.posts.append(post)
    return post


def about_interaction(world: World, interaction: Interaction) -> Json:
    """Return what an answer says of the interaction behind it."""
    about: Json = {"id": interaction.id, "type": interaction.kind, "user": world.people[interaction.user].as_user()}
    about["authorizing_integration_owners"] = {"0": world.channels[interaction.channel].guild or "0"}
    if interaction.kind == COMPONENT and interaction.source is not None:
        about["interacted_message_id"] = interaction.source.id
    if interaction.from_modal is not None:
        about["triggering_interaction_metadata"] = interaction.from_modal.about
    return about


def rewrite(world: World, post: Post, body: Any, files: Files) -> None:
    """Edit a message of the bot's: what the body does not name stays. Edits notify nobody. Raises `Refused`."""
    flags = post.flags if not isinstance(body, dict) or body.get("flags") is None else post.flags | body["flags"] & V2
    check_message(body, v2=bool(flags & V2))
    check_files(files)
    channel = world.channels[post.channel]
    shown: Json = {"content": post.content, "embeds": post.embeds, "components": post.components}
    after = shown | {name: body[name] for name in shown if name in body}
    kept = post.files
    if body.get("attachments") is not None or files:
        kept = _kept_files(world, channel, body, files, post.files)
    if is_empty(after, files=bool(kept)):
        raise Refused(50006)
    post.edits.append(post.content)
    post.content, post.embeds = str(after["content"] or "").strip(), list(after["embeds"] or ())
    post.components, post.files = numbered(list(after["components"] or ())), kept
    post.flags, post.edited = flags & ~LOADING, now()
    may_all = has(world.permissions(BOT, channel), "mention_everyone") and post.about is None
    before = post.pings
    default = PEOPLE_ONLY if post.about is not None else None
    _mention(post, body.get("allowed_mentions", default), may_all=may_all)
    post.pings = before


def repeated(world: World, channel: Channel, body: Any) -> Post | None:
    """Return the message that was posted with the same nonce, where the body asks for that to be looked at."""
    if not isinstance(body, dict) or not body.get("enforce_nonce") or body.get("nonce") is None:
        return None
    nonce = str(body["nonce"])
    for post in reversed(world.posts):
        if post.channel == channel.id and post.author == BOT and post.nonce == nonce and not post.deleted:
            return post
    return None


def texts(post: Post) -> str:
    """Return all that can mention somebody in a message."""
    shown = [each["content"] for each in walk(post.components) if each.get("type") == TEXT]
    return "\n".join([post.content, *shown])


def _mention(post: Post, allowed: Any, *, may_all: bool, replied_to: str | None = None) -> None:
    found = mentioned(texts(post), allowed, may_all=may_all, replied_to=replied_to)
    post.mentions, post.mentions_everyone = found.people, found.everyone
    post.pings = found.pings


def _flags(body: Any) -> int:
    flags = body.get("flags") if isinstance(body, dict) else 0
    return flags if isinstance(flags, int) else 0


def _reference(world: World, channel: Channel, body: Json) -> tuple[Json | None, str | None]:
    """Return what a reply refers to and whose that is."""
    given = body.get("message_reference")
    if not given:
        return None, None
    reference = {"type": 0, "channel_id": channel.id, "message_id": str(given["message_id"])}
    if channel.guild is not None:
        reference["guild_id"] = channel.guild
    try:
        author = world.find(channel.id, given["message_id"]).author
    except Refused:
        if given.get("fail_if_not_exists", True) is False:
            return None, None
        problems = Problems()
        problems.add(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        problems.raise_any()
        raise
    return reference, author


def _kept_files(world: World, channel: Channel, body: Json, files: Files, before: list[File]) -> list[File]:
    """Return a message's files: those named that it had, and the new ones."""
    named = {str(each["id"]): each for each in body.get("attachments") or ()}
    kept = [file for file in before if file.id in named]
    for key, (name, content) in files.items():
        about = named.get(key, {})
        kept.append(world.add_file(channel.id, str(about.get("filename") or name), content, about.get("description")))
    return kept
