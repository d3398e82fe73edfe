"""Whether Discord knows the bot as this version needs it."""

from __future__ import annotations

import aiohttp

from adapters.discord.application import read_application
from adapters.discord.permissions import invite_url
from adapters.finding import Finding, State
from core.errors import HomeroomError

READS_ALL = (
    "The message content intent is on: replies in a thread count without a mention, and so does what opens a post in a "
    "bound forum."
)
READS_SOME = (
    "The message content intent is off: mentions, direct messages and slash commands work. With it (the application's "
    "page “Bot”, “Message Content Intent”) replies in a thread and new forum posts are read without a mention."
)


async def check_discord(token: str, api_url: str) -> list[Finding]:
    """Ask Discord whose the token is, what it may read, and whether events come our way."""
    async with aiohttp.ClientSession() as session:
        try:
            application = await read_application(session, token, api_url)
        except HomeroomError as error:
            return [Finding("discord bot token", State.WRONG, error.sentence)]
    found = [
        Finding("discord bot token", State.OK, f"{application.name} ({application.id})"),
        Finding(
            "discord intents",
            State.OK if application.reads_all else State.NOTICE,
            READS_ALL if application.reads_all else READS_SOME,
        ),
        Finding("discord invite", State.OK, invite_url(application.id)),
    ]
    if application.interactions_url:
        mend = "Remove “Interactions Endpoint URL” from the application's page “General Information”."
        found.append(Finding("discord interactions", State.WRONG, f"Commands are sent to another address. {mend}"))
    if application.public:
        says = "Anybody may invite the bot. Turn “Public Bot” off on the page “Bot” unless other schools use it too."
        found.append(Finding("discord public bot", State.NOTICE, says))
    return found
