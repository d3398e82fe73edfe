"""Words for one person, said where nobody else reads them: unseen by others in the channel, else in direct messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import structlog
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.slack.failures import TROUBLE, read_failure
from adapters.slack.packing import Message
from adapters.slack.posting import Posting, Spot
from adapters.slack.route import Route

log = structlog.get_logger(__name__)

_OK = 200
_Way = Callable[[Message], Awaitable[bool]]


@dataclass(slots=True)
class Whisper:
    """Speaks to the person of a route. A way that Slack has refused once is not tried again."""

    posting: Posting
    route: Route
    _useless: set[str] = field(default_factory=set)
    _direct: str = ""

    async def say(self, message: Message) -> bool:
        """Show a message to the person alone, in the channel they are in; say whether that went well."""
        ways: tuple[tuple[str, _Way], ...] = (("respond", self._respond), ("ephemeral", self._post_ephemeral))
        for name, way in ways:
            if name not in self._useless:
                if await way(message):
                    return True
                self._useless.add(name)
        return False

    async def direct(self) -> Spot:
        """Open the person's direct messages. Raises one of `TROUBLE`."""
        if not self._direct:
            client = self.posting.client
            opened = await self.posting.insist(
                "conversations.open", lambda: client.conversations_open(users=self.route.user_id)
            )
            self._direct = str(opened["channel"]["id"])
        return Spot(self._direct)

    async def _respond(self, message: Message) -> bool:
        if not self.route.response_url:
            return False
        client = self.posting.client
        webhook = AsyncWebhookClient(
            self.route.response_url,
            timeout=client.timeout,
            ssl=client.ssl,
            proxy=client.proxy,
            session=client.session,
            trust_env_in_session=client.trust_env_in_session,
            logger=client.logger,
            retry_handlers=[],
        )
        body = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": message.text,
            "blocks": list(message.blocks) or None,
            # Replying to a control without this would show it outside the thread.
            "thread_ts": self.route.thread_ts or None,
        }
        try:
            response = await webhook.send_dict({name: value for name, value in body.items() if value is not None})
        except (*TROUBLE, aiohttp.InvalidURL) as error:
            log.info("slack_response_url_failed", team=self.route.team_id, code=type(error).__name__)
            return False
        if response.status_code != _OK:
            log.info("slack_response_url_refused", team=self.route.team_id, status=response.status_code)
        return response.status_code == _OK

    async def _post_ephemeral(self, message: Message) -> bool:
        route, posting = self.route, self.posting
        if not route.channel or route.channel.startswith("D"):
            return False
        blocks = list(message.blocks) or None
        try:
            # Seen twice it does no harm, and it goes away by itself.
            await posting.insist(
                "chat.postEphemeral",
                lambda: posting.client.chat_postEphemeral(
                    channel=route.channel,
                    user=route.user_id,
                    text=message.text,
                    blocks=blocks,
                    thread_ts=route.thread_ts or None,
                    link_names=False,
                    parse="none",
                ),
                tries=3,
            )
        except TROUBLE as error:
            log.info("slack_ephemeral_refused", team=route.team_id, code=read_failure(error).code)
            return False
        return True
