"""The least app that slack-bolt makes: it acknowledges, keeps nothing and posts nothing. Run by `slack_events`."""

from __future__ import annotations

import asyncio

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import read_settings


async def hear() -> None:
    pass


async def listen(app: AsyncApp, token: str) -> None:
    await AsyncSocketModeHandler(app, token).start_async()  # type: ignore[no-untyped-call]  # slack_bolt's are untyped


def main() -> None:
    settings = read_settings()
    token, app_token, secret = settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret
    assert token is not None
    assert app_token is not None
    assert secret is not None
    client = AsyncWebClient(token.get_secret_value(), base_url=settings.slack_api_url)
    app = AsyncApp(client=client, signing_secret=secret.get_secret_value())
    app.event("reaction_added")(hear)
    if settings.slack_mode == "http":
        app.start(port=settings.port)
    else:
        asyncio.run(listen(app, app_token.get_secret_value()))


if __name__ == "__main__":
    main()
