"""How much a message may say: text, embeds, mentions, components and files."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.component_rules import check_components
from tests.fakes.discord.errors import Json, Path, Problems, Refused
from tests.fakes.discord.rules import address, anything, form, listed, one_of, snowflake, text, truth, whole

EPHEMERAL, LOADING, SILENT, V2 = 1 << 6, 1 << 7, 1 << 12, 1 << 15
CONTENT, EMBEDS_TOGETHER, FILES = 2000, 6000, 10
FILE_SIZE = 10 * 1024 * 1024
_WEB = address("http", "https")
_PICTURE = form({"url": address("http", "https", "attachment")}, {})
_EMBED = form(
    {},
    {
        "title": text(0, 256),
        "description": text(0, 4096),
        "url": _WEB,
        "color": whole(0, 0xFFFFFF),
        "fields": listed(form({"name": text(1, 256), "value": text(1, 1024)}, {"inline": truth}), 0, 25),
        "footer": form({"text": text(0, 2048)}, {"icon_url": address("http", "https", "attachment")}),
        "author": form({"name": text(0, 256)}, {"url": _WEB}),
        "image": _PICTURE,
        "thumbnail": _PICTURE,
    },
)
_ALLOWED_MENTIONS = form(
    {},
    {
        "parse": listed(one_of("users", "roles", "everyone"), 0, 3),
        "users": listed(snowflake, 0, 100),
        "roles": listed(snowflake, 0, 100),
        "replied_user": truth,
    },
)
_MESSAGE = form(
    {},
    {
        "content": text(0, CONTENT),
        "embeds": listed(_EMBED, 0, 10),
        "tts": truth,
        "flags": whole(0, 2**31 - 1),
        "enforce_nonce": truth,
        "allowed_mentions": _ALLOWED_MENTIONS,
        "message_reference": form({"message_id": snowflake}, {"channel_id": snowflake, "guild_id": snowflake}),
        "sticker_ids": listed(snowflake, 0, 3),
        "attachments": listed(form({"id": anything}, {"description": text(0, 1024)}), 0, FILES),
    },
)


def check_message(body: Any, *, v2: bool = False, path: Path = ()) -> None:
    """Raises `Refused`; `v2` says whether the message is one of Components V2, by its flag or from before."""
    problems = Problems()
    _MESSAGE(body, path, problems)
    if isinstance(body, dict):
        if len(str(body.get("nonce") or "")) > 25:
            problems.add((*path, "nonce"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        if isinstance(body.get("embeds"), list):
            _check_embeds(body["embeds"], (*path, "embeds"), problems)
        _check_mentions(body.get("allowed_mentions"), (*path, "allowed_mentions"), problems)
        if body.get("components"):
            check_components(body["components"], problems, v2=v2)
        if v2:
            for name in ("content", "embeds", "sticker_ids", "poll"):
                if body.get(name):
                    message = "The components_v2 flag cannot be used with this field"
                    problems.add((*path, name), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)
    problems.raise_any()


def check_files(files: dict[str, tuple[str, bytes]]) -> None:
    """Raises `Refused` for too many files, or for one over 10 MiB."""
    if len(files) > FILES:
        problems = Problems()
        problems.add(("attachments",), "BASE_TYPE_MAX_LENGTH", f"Must be {FILES} or fewer in length.")
        problems.raise_any()
    if any(len(content) > FILE_SIZE for _, content in files.values()):
        raise Refused(40005)


def is_empty(body: Json, *, files: bool) -> bool:
    """Whether there is nothing to show."""
    said = str(body.get("content") or "").strip()
    return not (said or files or any(body.get(name) for name in ("embeds", "components", "sticker_ids", "poll")))


def _check_embeds(embeds: list[Any], path: Path, problems: Problems) -> None:
    together = 0
    for embed in embeds:
        if not isinstance(embed, dict):
            continue
        parts = [embed.get("title"), embed.get("description")]
        parts += [(embed.get(name) or {}).get(key) for name, key in (("footer", "text"), ("author", "name"))]
        for field in embed.get("fields") or ():
            parts += [field.get("name"), field.get("value")]
        together += sum(len(str(part)) for part in parts if part)
    if together > EMBEDS_TOGETHER:
        message = f"Embed size exceeds maximum size of {EMBEDS_TOGETHER}"
        problems.add(path, "MAX_EMBED_SIZE_EXCEEDED", message)


def _check_mentions(allowed: Any, path: Path, problems: Problems) -> None:
    if not isinstance(allowed, dict):
        return
    for name in ("users", "roles"):
        if allowed.get(name) and name in (allowed.get("parse") or ()):
            message = f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.'
            problems.add(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)
