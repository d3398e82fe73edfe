"""What the bot asks for: the permissions in a server, and the events of the gateway."""

from __future__ import annotations

from urllib.parse import urlencode

import discord

# Each with what needs it.
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,  # an answer stands in a thread of its question
    create_private_threads=True,  # for who takes no direct messages
    read_message_history=True,  # what was asked while the connection was gone
    embed_links=True,  # the list of sources
    attach_files=True,  # pictures
    add_reactions=True,  # the sign that an answer is in the direct messages
)
SCOPES = ("bot", "applications.commands")


def invite_url(application: str) -> str:
    """Return the address where the bot is brought into a server."""
    asked = {"client_id": application, "scope": " ".join(SCOPES), "permissions": PERMISSIONS.value}
    return f"https://discord.com/oauth2/authorize?{urlencode(asked)}"


def intents(*, reads_all: bool) -> discord.Intents:
    """Return the events to ask for; `reads_all` adds the text of messages that do not mention the bot (privileged)."""
    return discord.Intents(
        guilds=True,
        guild_messages=True,
        dm_messages=True,
        guild_reactions=True,
        dm_reactions=True,
        message_content=reads_all,
    )
