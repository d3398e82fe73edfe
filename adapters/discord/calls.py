"""The calls of Discord's that are made here, through discord.py, which knows its rate limits.

Nothing is posted twice: a post carries a nonce which Discord enforces for some minutes, so that a repeated post returns
the one that stands there (https://discord.com/developers/docs/resources/message#create-message).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

import aiohttp
from discord.http import HTTPClient, Route
from discord.webhook.async_ import AsyncWebhookAdapter

from adapters.discord.controls import short_uuid
from adapters.discord.limits import NONCE, THREAD_NAME, fit
from adapters.discord.packing import Json, Message, upload_name
from core.replies import Picture
from core.text import one_line

EPHEMERAL = 1 << 6
_DAY, _WEEK = 1_440, 10_080  # minutes after which a silent thread is archived
_PRIVATE = 12


def answer_nonce(answer_id: UUID, part: int) -> str:
    """Return the nonce of one part of an answer."""
    return f"{short_uuid(answer_id)}{part:03d}"[:NONCE]


def event_nonce(key: str, purpose: str = "") -> str:
    """Return the nonce of what is posted for an event; the same when the event is served again."""
    return base64.urlsafe_b64encode(sha256(f"{purpose}{key}".encode()).digest()).decode()[:NONCE]


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls with the bot's token, and those of interactions, which go without it.

    `ended` says whether the connection was closed. Calls then raise `CancelledError`: what was being served is not
    done, and is left to the process that takes it up.
    """

    http: HTTPClient
    session: aiohttp.ClientSession
    webhooks: AsyncWebhookAdapter = field(default_factory=AsyncWebhookAdapter)
    ended: Callable[[], bool] = lambda: False

    async def post(self, channel: str, message: Message, nonce: str = "", *, reply_to: str = "") -> str:
        """Post a message and return its id."""
        body = message.body()
        if nonce:
            body |= {"nonce": nonce, "enforce_nonce": True}
        if reply_to:
            body["message_reference"] = {"message_id": reply_to, "fail_if_not_exists": False}
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel)
        return str((await self._send(route, body, message))["id"])

    async def edit(self, channel: str, message_id: str, message: Message) -> None:
        """Put a message in place of one that stands there."""
        route = Route(
            "PATCH", "/channels/{channel_id}/messages/{message_id}", channel_id=channel, message_id=message_id
        )
        await self._send(route, message.body(), message)

    async def delete(self, channel: str, message_id: str) -> None:
        """Delete a message."""
        await self._call(
            Route("DELETE", "/channels/{channel_id}/messages/{message_id}", channel_id=channel, message_id=message_id)
        )

    async def history(self, channel: str, *, after: str = "", most: int = 100) -> list[Json]:
        """Return a channel's messages since one, the oldest first; without `after` its latest."""
        params = {"limit": str(most)} | ({"after": after} if after else {})
        found: list[Json] = await self._call(
            Route("GET", "/channels/{channel_id}/messages", channel_id=channel), params=params
        )
        return sorted(found, key=lambda message: int(message["id"]))

    async def channel(self, channel: str) -> Json:
        """Return a channel object."""
        found: Json = await self._call(Route("GET", "/channels/{channel_id}", channel_id=channel))
        return found

    async def is_member(self, guild: str, user: str) -> None:
        """Return if somebody is in a server; Discord answers with an error otherwise."""
        await self._call(Route("GET", "/guilds/{guild_id}/members/{user_id}", guild_id=guild, user_id=user))

    async def typing(self, channel: str) -> None:
        """Show that something is being written, for ten seconds."""
        await self._call(Route("POST", "/channels/{channel_id}/typing", channel_id=channel))

    async def react(self, channel: str, message_id: str, emoji: str) -> None:
        """Put an emoji on a message."""
        await self._call(
            Route(
                "PUT",
                "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me",
                channel_id=channel,
                message_id=message_id,
                emoji=emoji,
            )
        )

    async def open_direct(self, user: str) -> str:
        """Return the channel of somebody's direct messages."""
        opened = await self._call(Route("POST", "/users/@me/channels"), json={"recipient_id": user})
        return str(opened["id"])

    async def start_thread(self, channel: str, message_id: str, name: str) -> str:
        """Begin a thread with a message of a channel and return its id."""
        route = Route(
            "POST", "/channels/{channel_id}/messages/{message_id}/threads", channel_id=channel, message_id=message_id
        )
        made = await self._call(route, json={"name": thread_name(name), "auto_archive_duration": _DAY})
        return str(made["id"])

    async def start_private_thread(self, channel: str, user: str, name: str) -> str:
        """Begin a thread that only its members and moderators see, with somebody in it, and return its id."""
        made = await self._call(
            Route("POST", "/channels/{channel_id}/threads", channel_id=channel),
            json={"name": thread_name(name), "type": _PRIVATE, "invitable": False, "auto_archive_duration": _DAY},
        )
        thread = str(made["id"])
        await self.let_in(thread, user)
        return thread

    async def let_in(self, thread: str, user: str) -> None:
        """Add somebody to a thread; nothing happens to who is in it."""
        await self._call(
            Route("PUT", "/channels/{channel_id}/thread-members/{user_id}", channel_id=thread, user_id=user)
        )

    async def start_post(self, forum: str, name: str, message: Message, tags: Sequence[str]) -> str:
        """Begin a post in a forum and return its id, which its first message has too.

        Discord takes no nonce here, so that it is never sent twice: what failed may have been done.
        """
        body: Json = {"name": thread_name(name), "auto_archive_duration": _WEEK, "message": message.body()}
        if tags:
            body["applied_tags"] = list(tags)
        route = Route("POST", "/channels/{channel_id}/threads", channel_id=forum)
        made = await self._send(route, body, message, files=[_Once()])
        return str(made["id"])

    async def threads(self, guild: str, channel: str) -> list[Json]:
        """Return the threads of a channel: those in use, and of the others the latest."""
        active = await self._call(Route("GET", "/guilds/{guild_id}/threads/active", guild_id=guild))
        here = [each for each in active["threads"] if str(each.get("parent_id")) == channel]
        return [*here, *await self.archived_threads(channel)]

    async def archived_threads(self, channel: str) -> list[Json]:
        """Return the public threads of a channel that are in use no more, those first that were archived last."""
        archived = await self._call(Route("GET", "/channels/{channel_id}/threads/archived/public", channel_id=channel))
        found: list[Json] = archived["threads"]
        return found

    async def message(self, channel: str, message_id: str) -> Json:
        """Return a message."""
        found: Json = await self._call(
            Route("GET", "/channels/{channel_id}/messages/{message_id}", channel_id=channel, message_id=message_id)
        )
        return found

    async def reopen_thread(self, thread: str) -> None:
        """Take a thread out of the archive, which only moderators can do where it is locked."""
        await self._call(Route("PATCH", "/channels/{channel_id}", channel_id=thread), json={"archived": False})

    async def close_thread(self, thread: str, name: str) -> None:
        """Give a thread another name and take it out of the list of those in use."""
        body = {"name": thread_name(name), "archived": True}
        await self._call(Route("PATCH", "/channels/{channel_id}", channel_id=thread), json=body)

    async def set_commands(self, application: str, bodies: Sequence[Json]) -> None:
        """Put these commands in place of all that the application has."""
        route = Route("PUT", "/applications/{application_id}/commands", application_id=application)
        await self._call(route, json=list(bodies))

    async def respond(self, interaction: str, token: str, kind: int, data: Json | None = None) -> Json:
        """Give an interaction its first response."""
        route = Route(
            "POST", "/interactions/{webhook_id}/{webhook_token}/callback", webhook_id=interaction, webhook_token=token
        )
        body: Json = {"type": kind, **({"data": data} if data is not None else {})}
        answer: Json = await self._call_webhook(route, payload=body, params={"with_response": "1"})
        return answer

    async def follow_up(self, application: str, token: str, message: Message, *, ephemeral: bool) -> str:
        """Post a further message for an interaction and return its id."""
        body = message.body() | ({"flags": EPHEMERAL} if ephemeral else {})
        route = Route("POST", "/webhooks/{webhook_id}/{webhook_token}", webhook_id=application, webhook_token=token)
        return str((await self._send_webhook(route, body, message, {"wait": "1"}))["id"])

    async def first_response(self, application: str, token: str) -> Json:
        """Return the message that an interaction was answered with."""
        found: Json = await self._call_webhook(_of(application, token, "@original", "GET"))
        return found

    async def edit_follow_up(self, application: str, token: str, message_id: str, message: Message) -> str:
        """Put a message in place of an interaction's, `@original` for its first; return its id."""
        answer = await self._send_webhook(_of(application, token, message_id, "PATCH"), message.body(), message)
        return str(answer["id"])

    async def delete_follow_up(self, application: str, token: str, message_id: str) -> None:
        """Delete a message of an interaction's."""
        await self._call_webhook(_of(application, token, message_id, "DELETE"))

    async def _call(self, route: Route, **more: Any) -> Any:  # noqa: ANN401  (what discord.py takes and returns)
        with self._until_ended():
            return await self.http.request(route, **more)

    async def _call_webhook(self, route: Route, **more: Any) -> Any:  # noqa: ANN401  (as above)
        with self._until_ended():
            return await self.webhooks.request(route, self.session, **more)

    @contextmanager
    def _until_ended(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, aiohttp.ClientError, OSError) as error:  # the first is aiohttp's for a closed session
            if self.ended() or self.session.closed:
                raise asyncio.CancelledError("the connection to Discord was closed") from error
            raise

    async def _send(self, route: Route, body: Json, message: Message, files: Any = None) -> Json:  # noqa: ANN401  (see `_Once`)
        answer: Json
        if message.uploads:
            answer = await self._call(route, files=files, form=_multipart(body, message))
        else:
            answer = await self._call(route, files=files, json=body)
        return answer

    async def _send_webhook(
        self, route: Route, body: Json, message: Message, params: Mapping[str, str] | None = None
    ) -> Json:
        asked = dict(params) if params else None
        answer: Json
        if message.uploads:
            form = _multipart(body, message)
            answer = await self._call_webhook(route, multipart=form, params=asked)
        else:
            answer = await self._call_webhook(route, payload=body, params=asked)
        return answer


class _Once:
    """Goes along with a call as one of its files, which discord.py resets before it tries the call again."""

    def reset(self, *, seek: int) -> None:
        """Let the first try pass. Raises `ConnectionAbortedError`."""
        if seek:
            raise ConnectionAbortedError("nobody knows whether this call was done, so it is not repeated")


def thread_name(text: str) -> str:
    """Return a thread's name, made of what it begins with."""
    return fit(one_line(text, 1_000), THREAD_NAME) or "Question"


def _of(application: str, token: str, message_id: str, method: str) -> Route:
    return Route(
        method,
        "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
        webhook_id=application,
        webhook_token=token,
        message_id=message_id,
    )


def _multipart(body: Json, message: Message) -> list[dict[str, Any]]:
    """Return the parts of a form with files (https://discord.com/developers/docs/reference#uploading-files)."""
    parts: list[dict[str, Any]] = [
        {"name": "payload_json", "value": json.dumps(body), "content_type": "application/json"}
    ]
    parts += [
        {
            "name": f"files[{number}]",
            "value": each.png if isinstance(each, Picture) else each.data,
            "filename": upload_name(each, number),
            "content_type": "image/png" if isinstance(each, Picture) else each.media_type,
        }
        for number, each in enumerate(message.uploads)
    ]
    return parts
