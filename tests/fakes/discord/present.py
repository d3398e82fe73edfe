"""Messages, members and servers as Discord writes them in answers and events."""

from __future__ import annotations

from tests.fakes.discord.component_rules import CONTAINER, walk
from tests.fakes.discord.permissions import has
from tests.fakes.discord.records import THREAD_STARTER, Channel, Guild, Json, Post
from tests.fakes.discord.world import APPLICATION, BOT, World

_NEVER = "2024-01-01T00:00:00+00:00"


def member_json(world: World, guild: Guild, user_id: str, *, with_user: bool = True) -> Json:
    member: Json = {
        "roles": guild.members.get(user_id, []),
        "nick": None,
        "avatar": None,
        "joined_at": _NEVER,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
    }
    return member | ({"user": world.people[user_id].as_user()} if with_user else {})


def message_json(world: World, post: Post) -> Json:
    """Return a message as its answer carries it, with everything it says."""
    message: Json = {
        "id": post.id,
        "channel_id": post.channel,
        "author": world.people[post.author].as_user(),
        "content": post.content,
        "timestamp": post.sent,
        "edited_timestamp": post.edited,
        "tts": False,
        "mention_everyone": post.mentions_everyone,
        "mentions": [world.people[each].as_user() for each in post.mentions if each in world.people],
        "mention_roles": [each for each in post.pings if any(each in g.roles for g in world.guilds.values())],
        "attachments": [file.as_json() for file in post.files],
        "embeds": [{"type": "rich", **embed} for embed in post.embeds],
        "components": post.components,
        "pinned": False,
        "type": post.kind,
        "flags": post.flags,
    }
    if post.reactions:
        message["reactions"] = [_reaction(emoji, users) for emoji, users in post.reactions.items() if users]
    if post.nonce is not None:
        message["nonce"] = post.nonce
    if post.reference is not None:
        message["message_reference"] = post.reference
        referred = [p for p in world.posts if p.id == post.reference.get("message_id") and not p.deleted]
        message["referenced_message"] = message_json(world, referred[0]) if referred else None
    if post.about is not None:
        message |= {"interaction_metadata": post.about, "application_id": APPLICATION, "webhook_id": APPLICATION}
    if post.thread is not None:
        message["thread"] = world.channels[post.thread].as_json()
    return message


def message_event(world: World, post: Post) -> Json:
    """Return a message as an event carries it: in a server with its author's membership."""
    channel = world.channels[post.channel]
    event = message_json(world, post) | {"channel_type": channel.kind}
    if channel.guild is not None:
        member = member_json(world, world.guilds[channel.guild], post.author, with_user=False)
        event |= {"guild_id": channel.guild, "member": member}
    return event


def without_content(world: World, message: Json) -> Json:
    """Return what an app without the message content intent sees of a message.

    https://docs.discord.com/developers/events/gateway#message-content-intent
    """
    mentions_bot = any(user["id"] == BOT for user in message["mentions"])
    direct = world.channels[message["channel_id"]].guild is None
    if direct or mentions_bot or message["author"]["id"] == BOT:
        return message
    less = message | {"content": "", "embeds": [], "attachments": [], "components": []}
    if less.get("referenced_message"):
        less["referenced_message"] = without_content(world, less["referenced_message"])
    return less


def channel_json(world: World, channel: Channel) -> Json:
    """Return a channel; direct messages with who is at the other end, a thread with how much is in it."""
    about = channel.as_json()
    if channel.guild is None:
        others = [world.people[each].as_user() for each in channel.members if each != BOT]
        return about | {"recipients": others}
    roles = world.guilds[channel.guild].roles
    if not channel.is_thread:
        about["permission_overwrites"] = [
            {"id": key, "type": 0 if key in roles else 1, "allow": str(allow), "deny": str(deny)}
            for key, (allow, deny) in channel.overwrites.items()
        ]
    else:
        count = sum(
            p.channel == channel.id and p.kind != THREAD_STARTER and p.id != channel.id and p.to is None
            for p in world.posts
        )
        about |= {"message_count": count, "total_message_sent": count}
        if BOT in channel.members:
            about["member"] = {"id": channel.id, "user_id": BOT, "join_timestamp": _NEVER, "flags": 0}
    return about


def guild_json(world: World, guild: Guild, *, everybody: bool) -> Json:
    """Return a server as GUILD_CREATE tells of it: without the presences intent the bot is its only member."""
    seen = [
        channel
        for channel in world.channels.values()
        if channel.guild == guild.id and not channel.deleted and has(world.permissions(BOT, channel), "view_channel")
    ]
    members = guild.members if everybody and not guild.large else [BOT]
    return {
        "id": guild.id,
        "name": guild.name,
        "owner_id": guild.owner,
        "icon": None,
        "roles": [role.as_json(number) for number, role in enumerate(guild.roles.values())],
        "emojis": [],
        "stickers": [],
        "features": [],
        "preferred_locale": "en-US",
        "premium_tier": 0,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "system_channel_flags": 0,
        "joined_at": _NEVER,
        "large": guild.large or len(guild.members) > 250,
        "unavailable": False,
        "member_count": len(guild.members),
        "members": [member_json(world, guild, user) for user in members],
        "channels": [channel_json(world, each) for each in seen if not each.is_thread],
        "threads": [channel_json(world, each) for each in seen if each.is_thread and not each.archived],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def numbered(components: list[Json]) -> list[Json]:
    """Give every component without an id one, as Discord does."""
    taken = {component["id"] for component in walk(components) if component.get("id")}
    free = (number for number in range(1, 1000) if number not in taken)
    for component in walk(components):
        component["id"] = component.get("id") or next(free)
        if component["type"] == CONTAINER:
            component |= {"accent_color": component.get("accent_color"), "spoiler": bool(component.get("spoiler"))}
    return components


def emoji_json(emoji: str) -> Json:
    """Return an emoji as reactions name it: a character, or `name:id` for one of a server's own."""
    name, _, key = emoji.partition(":")
    return {"id": key or None, "name": name}


def _reaction(emoji: str, users: list[str]) -> Json:
    count = {"count": len(users), "count_details": {"burst": 0, "normal": len(users)}}
    return {**count, "me": BOT in users, "me_burst": False, "emoji": emoji_json(emoji), "burst_colors": []}
