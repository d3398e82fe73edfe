"""How an interaction comes about and what the app gets with it, whatever it was."""

from __future__ import annotations

import secrets

from tests.fakes.discord.events import Events
from tests.fakes.discord.message_rules import FILE_SIZE
from tests.fakes.discord.present import channel_json, member_json, message_json
from tests.fakes.discord.records import Interaction, Json, Modal, Post
from tests.fakes.discord.world import APPLICATION, BOT, World


class Interacting:
    """People's side of interactions."""

    def __init__(self, world: World, events: Events) -> None:
        self.world = world
        self.events = events

    def _interact(
        self,
        kind: int,
        user: str,
        channel: str,
        data: Json,
        *,
        source: Post | None = None,
        from_modal: Modal | None = None,
    ) -> Interaction:
        """Make an interaction and tell the app. With `source` or `from_modal` it comes from a message or a form."""
        world, place = self.world, self.world.channels[channel]
        began = Interaction(
            world.next_id(), secrets.token_urlsafe(60), kind, user, channel, world.clock(), data, source, from_modal
        )
        world.interactions[began.id] = began
        granted = str(world.permissions(user, place))
        payload: Json = {
            "id": began.id,
            "application_id": APPLICATION,
            "type": kind,
            "data": data,
            "channel": channel_json(world, place) | {"permissions": granted},
            "channel_id": channel,
            "token": began.token,
            "version": 1,
            "app_permissions": str(world.permissions(BOT, place)),
            "locale": "en-US",
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": {"0": place.guild or "0"},
            "context": 1 if place.guild is None else 0,
            "attachment_size_limit": FILE_SIZE,
        }
        if place.guild is None:
            payload["user"] = world.people[user].as_user()
        else:
            guild = world.guilds[place.guild]
            payload["member"] = member_json(world, guild, user) | {"permissions": granted}
            payload |= {"guild_id": guild.id, "guild_locale": "en-US"}
            payload["guild"] = {"id": guild.id, "locale": "en-US", "features": []}
        if source is not None:
            payload["message"] = message_json(world, source)
        self.events.interaction(payload, place.guild)
        return began

    def _resolve(self, channel: str, ids: list[str]) -> Json:
        """Return what an interaction tells of the people, roles, channels and files it names."""
        world, place = self.world, self.world.channels[channel]
        guild = world.guilds.get(place.guild or "")
        resolved: Json = {}
        for each in ids:
            if each in world.people:
                resolved.setdefault("users", {})[each] = world.people[each].as_user()
                if guild is not None and each in guild.members:
                    member = member_json(world, guild, each, with_user=False) | {"permissions": "0"}
                    resolved.setdefault("members", {})[each] = member
            elif guild is not None and each in guild.roles:
                resolved.setdefault("roles", {})[each] = guild.roles[each].as_json(1)
            elif each in world.files:
                resolved.setdefault("attachments", {})[each] = world.files[each].as_json()
            else:
                about = channel_json(world, world.channels[each]) | {"permissions": "0"}
                resolved.setdefault("channels", {})[each] = about
        return resolved
