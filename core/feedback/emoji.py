"""Which emoji are thumbs: 👍 and 👎 in any writing and skin, or what an admin chose instead."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.admin.models import AppConfig
from core.enums import FeedbackValue
from core.errors import InvalidInput

log = structlog.get_logger(__name__)

Thumbs = Mapping[FeedbackValue, frozenset[str]]

THUMBS: Thumbs = {
    FeedbackValue.UP: frozenset({"+1", "thumbsup", "👍"}),
    FeedbackValue.DOWN: frozenset({"-1", "thumbsdown", "👎"}),
}
CONFIG_KEY = "emoji"
_SKIN_TONES = "".join(map(chr, range(0x1F3FB, 0x1F400)))


def plain_emoji(emoji: str) -> str:
    """Return an emoji without colons, skin tone and variation: `+1` for `:+1::skin-tone-4:`, 👍 for 👍🏽."""
    return emoji.strip().strip(":").partition("::")[0].rstrip(_SKIN_TONES + "\ufe0f")


def verdict_of(emoji: str, thumbs: Thumbs = THUMBS) -> FeedbackValue | None:
    """Return what an emoji says about an answer, in any skin tone; None if nothing."""
    plain = plain_emoji(emoji)
    return next((value for value, names in thumbs.items() if plain in names), None)


def read_thumbs(value: object) -> Thumbs:
    """Return the thumbs in a setting's value, `{"up": ["+1", "👍"], "down": […]}`; without one of the two, its default.

    Raises `InvalidInput` for anything else, and for an emoji that would say both.
    """
    if not isinstance(value, Mapping) or not value.keys() <= {"up", "down"}:
        raise InvalidInput("The emoji map has two lists of emoji, “up” and “down”, and nothing else.")
    thumbs = {each: _read_names(value[each.lower()]) if each.lower() in value else THUMBS[each] for each in THUMBS}
    if thumbs[FeedbackValue.UP] & thumbs[FeedbackValue.DOWN]:
        raise InvalidInput("An emoji can't mean both 👍 and 👎.")
    return thumbs


def _read_names(names: object) -> frozenset[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) and plain_emoji(name) for name in names):
        raise InvalidInput("Emoji are listed by name or as themselves: [“+1”, “👍”].")
    return frozenset(map(plain_emoji, names))


async def thumbs(session: AsyncSession) -> Thumbs:
    """Return the thumbs that are in force: the admin's, else 👍 and 👎."""
    value = await session.scalar(
        select(AppConfig.value).where(AppConfig.key == CONFIG_KEY, AppConfig.deleted_at.is_(None))
    )
    if value is None:
        return THUMBS
    try:
        return read_thumbs(value)
    except InvalidInput as error:  # reactions go on whatever somebody wrote into the table
        log.warning("bad_setting", key=CONFIG_KEY, reason=error.sentence)
        return THUMBS
