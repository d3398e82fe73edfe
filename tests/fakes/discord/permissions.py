"""Discord's permissions: the bits our bot or its people use, and how roles and overwrites add up to them.

https://docs.discord.com/developers/topics/permissions
"""

from __future__ import annotations

BITS = {
    "administrator": 3,
    "manage_channels": 4,
    "manage_guild": 5,
    "add_reactions": 6,
    "view_channel": 10,
    "send_messages": 11,
    "manage_messages": 13,
    "embed_links": 14,
    "attach_files": 15,
    "read_message_history": 16,
    "mention_everyone": 17,
    "use_application_commands": 31,
    "manage_threads": 34,
    "create_public_threads": 35,
    "create_private_threads": 36,
    "send_messages_in_threads": 38,
}
ALL = sum(1 << bit for bit in BITS.values())
# What @everyone has in a new server, as far as it is named here.
EVERYONE = (
    ALL
    & ~sum(
        1 << BITS[name]
        for name in ("administrator", "manage_channels", "manage_guild", "manage_messages", "mention_everyone")
    )
    & ~(1 << BITS["manage_threads"])
)


def bits(*names: str) -> int:
    """Return the permissions of these names as one number."""
    return sum(1 << BITS[name] for name in names)


def has(permissions: int, name: str) -> bool:
    return bool(permissions & 1 << BITS[name])


def computed(base: int, overwrites: list[tuple[int, int]]) -> int:
    """Apply overwrites (what is allowed, what denied) one after another; without seeing a channel there is nothing."""
    if has(base, "administrator"):
        return ALL
    for allowed, denied in overwrites:
        base = base & ~denied | allowed
    return base if has(base, "view_channel") else 0
