"""A small bolt app that says back what it hears; what it heard is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack_server import SlackServer

Json = dict[str, Any]
BUTTON = {"type": "button", "action_id": "go#0", "text": {"type": "plain_text", "text": "Go"}, "value": "1"}
FORM = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Form"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "name",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "plain_text_input", "action_id": "input"},
        }
    ],
}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def code(call: Any) -> str:
    """Return the error that a call is refused with."""
    with pytest.raises(SlackApiError) as raised:
        await call
    return str(raised.value.response["error"])


@dataclass(slots=True)
class Echo:
    """The app and the bodies that reached a listener."""

    app: AsyncApp
    heard: list[Json] = field(default_factory=list)

    def of(self, kind: str) -> list[Json]:
        return [body for body in self.heard if body.get("event", {}).get("type") == kind]


def client(slack: SlackServer, token: str | None = None) -> AsyncWebClient:
    return AsyncWebClient(token=token or slack.bot_token, base_url=slack.api_url)


def echo_app(slack: SlackServer) -> Echo:
    app = AsyncApp(client=client(slack), signing_secret=slack.signing_secret)
    echo = Echo(app)

    async def hear(body: Json, event: Json, client: AsyncWebClient) -> None:
        echo.heard.append(body)
        if event["type"] == "message" and not event.get("bot_id") and not event.get("subtype"):
            actions = {"type": "actions", "elements": [BUTTON]}
            await client.chat_postMessage(channel=event["channel"], text=event["text"], blocks=[actions])

    for kind in ("message", "app_mention", "reaction_added", "reaction_removed", "agent_session_stopped"):
        app.event(kind)(hear)

    async def echo_command(ack: AsyncAck, body: Json, respond: AsyncRespond) -> None:
        echo.heard.append(body)
        await ack(f"heard {body['text']}")
        await respond(text="and again", response_type="in_channel")

    async def form_command(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    async def submit(ack: AsyncAck, body: Json) -> None:
        echo.heard.append(body)
        name = body["view"]["state"]["values"]["name"]["input"]["value"]
        if name == "nobody":
            await ack(response_action="errors", errors={"name": "Who?"})
        else:
            await ack()

    async def press(ack: AsyncAck, body: Json, respond: AsyncRespond) -> None:
        await ack()
        echo.heard.append(body)
        await respond(text="gone", replace_original=True)

    app.command("/echo")(echo_command)
    app.command("/form")(form_command)
    app.view("form")(submit)
    app.action(re.compile("go#"))(press)
    return echo
