"""Which scopes Homeroom asks for, and why: each belongs to a method that is called, or to an event that is heard.

https://docs.slack.dev/reference/methods and https://docs.slack.dev/reference/events
"""

from __future__ import annotations

from collections.abc import Mapping

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")

# Every method of the Web API that this room calls; a test compares.
METHOD_SCOPES: Mapping[str, tuple[str, ...]] = {
    "apps.connections.open": (),  # `connections:write`, of the app-level token
    "apps.manifest.export": (),  # an app configuration token has no scopes
    "assistant.threads.setStatus": ("assistant:write",),
    "assistant.threads.setSuggestedPrompts": ("assistant:write",),
    "auth.test": (),
    "chat.appendStream": ("chat:write",),
    "chat.delete": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.startStream": ("chat:write",),
    "chat.stopStream": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.history": _HISTORY,
    "conversations.info": _READ,
    "conversations.members": _READ,
    "conversations.open": ("im:write",),
    "conversations.replies": _HISTORY,
    "files.completeUploadExternal": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.info": ("files:read",),
    "users.info": ("users:read", "users:read.email"),
    "views.open": (),
    "views.publish": (),
}
EVENT_SCOPES: Mapping[str, tuple[str, ...]] = {
    "agent_session_stopped": ("assistant:write",),
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "app_uninstalled": (),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "tokens_revoked": (),
}
_FILES = ("files:read",)  # to fetch what is sent with a form
_COMMANDS = ("commands",)


# What the bot token needs, in order.
SCOPES: tuple[str, ...] = tuple(
    sorted(
        {scope for scopes in (*METHOD_SCOPES.values(), *EVENT_SCOPES.values(), _FILES, _COMMANDS) for scope in scopes}
    )
)
