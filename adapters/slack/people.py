"""What a workspace says about its people."""

from __future__ import annotations

from typing import Any

import structlog

from adapters.slack.failures import TROUBLE, in_our_words, read_failure
from adapters.slack.posting import Posting
from adapters.slack.route import Route
from core.ports import Profile

log = structlog.get_logger(__name__)

_PAGE = 200
_ASKED_ABOUT = 40  # members of a channel; to ask about all of a large one would take up minutes of the budget


async def read_profile(posting: Posting, route: Route) -> Profile | None:
    """Return what the workspace says about a route's person; None where it knows nobody by that id.

    An address counts only where Slack has confirmed it. Raises `Unavailable`, `NotPermitted`.
    """
    with in_our_words():
        try:
            user = await _read_user(posting, route.user_id)
        except TROUBLE as error:
            if read_failure(error).code in ("user_not_found", "user_not_visible"):
                return None
            raise
    profile = user.get("profile") or {}
    email = profile.get("email") if user.get("is_email_confirmed") is True else None
    return Profile(
        email=str(email) if email else None,
        name=str(profile.get("display_name") or profile.get("real_name") or user.get("name") or ""),
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        stranger=bool(user.get("is_stranger") or user.get("is_bot") or user.get("deleted"))
        or user.get("team_id") != route.team_id,
    )


async def is_shared_channel(posting: Posting, channel: str) -> bool:
    """Say whether another organisation has a channel too; True where Slack does not tell."""
    try:
        answer = await posting.insist(
            "conversations.info", lambda: posting.client.conversations_info(channel=channel), tries=2
        )
    except TROUBLE as error:
        log.info("slack_channel_unknown", team=posting.team, code=read_failure(error).code)
        return True
    found: dict[str, Any] = answer["channel"]
    return bool(found.get("is_ext_shared") or found.get("is_pending_ext_shared"))


async def read_readers(posting: Posting, channel: str) -> frozenset[str] | None:
    """Return the ids of a channel's people; None where Slack does not say.

    Bots are left out; in a large channel only our own, because Slack says of one member at a time what it is.
    """
    if not channel:
        return None
    try:
        own = await posting.insist("auth.test", posting.client.auth_test)
        members = await _read_members(posting, channel) - {str(own["user_id"]), "USLACKBOT"}
        if len(members) > _ASKED_ABOUT:
            return members
        return frozenset([member for member in members if not (await _read_user(posting, member)).get("is_bot")])
    except TROUBLE as error:
        log.info("slack_readers_unknown", team=posting.team, code=read_failure(error).code)
        return None


async def _read_members(posting: Posting, channel: str) -> frozenset[str]:
    members: set[str] = set()
    cursor: str | None = None
    while cursor != "":
        page = await posting.insist(
            "conversations.members",
            lambda at=cursor: posting.client.conversations_members(  # type: ignore[misc]
                channel=channel, limit=_PAGE, cursor=at
            ),
        )
        members.update(page.get("members") or ())
        cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
    return frozenset(members)


async def _read_user(posting: Posting, user_id: str) -> dict[str, Any]:
    answer = await posting.insist("users.info", lambda: posting.client.users_info(user=user_id))
    user: dict[str, Any] = answer["user"]
    return user
