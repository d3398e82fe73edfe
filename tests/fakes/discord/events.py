"""The events that things cause: who of the app hears of them, and with what."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.discord.gateway import (
    DIRECT_MESSAGES,
    DIRECT_REACTIONS,
    DIRECT_TYPING,
    GUILDS,
    MEMBERS,
    MESSAGES,
    REACTIONS,
    TYPING,
    Gateway,
)
from tests.fakes.discord.permissions import has
from tests.fakes.discord.present import channel_json, emoji_json, guild_json, member_json, message_event
from tests.fakes.discord.records import Channel, Guild, Json, Post
from tests.fakes.discord.world import BOT, World


@dataclass(frozen=True, slots=True)
class Events:
    """Tells the app what happens where its bot can see it."""

    world: World
    gateway: Gateway

    def posted(self, post: Post) -> None:
        self._message("MESSAGE_CREATE", post)

    def edited(self, post: Post) -> None:
        self._message("MESSAGE_UPDATE", post)

    def deleted(self, post: Post) -> None:
        channel = self.world.channels[post.channel]
        self._tell(channel, "MESSAGE_DELETE", {"id": post.id, "channel_id": post.channel}, MESSAGES, DIRECT_MESSAGES)

    def reacted(self, post: Post, user: str, emoji: str, *, added: bool) -> None:
        channel = self.world.channels[post.channel]
        event: Json = {"user_id": user, "channel_id": post.channel, "message_id": post.id, "emoji": emoji_json(emoji)}
        event |= {"type": 0, "burst": False}
        if added:
            event["message_author_id"] = post.author
            if channel.guild is not None:
                event["member"] = member_json(self.world, self.world.guilds[channel.guild], user)
        name = "MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE"
        self._tell(channel, name, event, REACTIONS, DIRECT_REACTIONS)

    def typed(self, channel: Channel, user: str) -> None:
        event: Json = {"channel_id": channel.id, "user_id": user, "timestamp": 1_700_000_000}
        if channel.guild is not None:
            event["member"] = member_json(self.world, self.world.guilds[channel.guild], user)
        self._tell(channel, "TYPING_START", event, TYPING, DIRECT_TYPING)

    def channel(self, channel: Channel, what: str) -> None:
        """Tell of a channel or thread: `what` is CREATE, UPDATE or DELETE."""
        kind = "THREAD" if channel.is_thread else "CHANNEL"
        about = channel_json(self.world, channel)
        if what == "CREATE" and channel.is_thread:
            about["newly_created"] = True
        if what == "DELETE" and channel.is_thread:
            about = {name: about[name] for name in ("id", "guild_id", "parent_id", "type")}
        self._tell(channel, f"{kind}_{what}", about, GUILDS, 0)

    def thread_members(self, thread: Channel, user: str, *, added: bool) -> None:
        event: Json = {"id": thread.id, "member_count": len(thread.members)}
        member = {"id": thread.id, "user_id": user, "join_timestamp": "2024-01-01T00:00:00+00:00", "flags": 0}
        event |= {"added_members": [member]} if added else {"removed_member_ids": [user]}
        self._tell(thread, "THREAD_MEMBERS_UPDATE", event, GUILDS if user == BOT else MEMBERS, 0)

    def guild(self, guild: Guild) -> None:
        """Tell of a server that was unavailable, or that the bot has just come to."""
        self.gateway.emit("GUILD_CREATE", guild_json(self.world, guild, everybody=False), guild=guild.id, intent=GUILDS)

    def left(self, guild: Guild, *, unavailable: bool) -> None:
        event = {"id": guild.id} | ({"unavailable": True} if unavailable else {})
        self.gateway.emit("GUILD_DELETE", event, guild=guild.id, intent=GUILDS)

    def removed(self, guild: Guild, event: Json) -> None:
        self.gateway.emit("GUILD_MEMBER_REMOVE", event, guild=guild.id, intent=MEMBERS)

    def member(self, guild: Guild, user: str, what: str) -> None:
        """Tell of a member: `what` is ADD or UPDATE. The bot's own changes come without the intent."""
        about = member_json(self.world, guild, user) | {"guild_id": guild.id}
        intent = 0 if user == BOT else MEMBERS
        self.gateway.emit(f"GUILD_MEMBER_{what}", about, guild=guild.id, intent=intent)

    def interaction(self, payload: Json, guild: str | None) -> None:
        self.gateway.emit("INTERACTION_CREATE", payload, guild=guild)

    def _message(self, name: str, post: Post) -> None:
        if post.to is None:  # of an ephemeral message the gateway says nothing
            channel = self.world.channels[post.channel]
            self._tell(channel, name, message_event(self.world, post), MESSAGES, DIRECT_MESSAGES)

    def _tell(self, channel: Channel, name: str, event: Json, intent: int, direct: int) -> None:
        if not has(self.world.permissions(BOT, channel), "view_channel"):
            return
        if channel.guild is not None:
            event |= {"guild_id": channel.guild}
        intent = intent if channel.guild is not None else direct
        self.gateway.emit(name, event, guild=channel.guild, intent=intent)
