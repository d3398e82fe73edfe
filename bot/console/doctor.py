"""`homeroom doctor`: what is configured, whether it works, and how to mend what does not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from urllib.parse import urlsplit

import typer
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import text

from adapters.discord.check import check_discord
from adapters.finding import Finding, State
from adapters.slack.check import check_bot, check_registration, check_socket
from adapters.slack.manifest import make_manifest
from adapters.storage import open_storage
from bot.bootstrap import database_url, make_secrets, schema_revision
from bot.console.options import Json
from bot.console.run import configure_log, run_async
from bot.console.slack import slash_commands
from bot.settings import Settings, read_settings
from bot.slack import HTTP_ONLY
from core.db import create_engine
from core.errors import HomeroomError, InvalidInput
from migrations.upgrade import newest_revision

EXTENSIONS = ("citext", "pgcrypto", "vector")
_SECONDS = 10
_MARKS = {State.OK: "ok    ", State.NOTICE: "notice", State.WRONG: "WRONG "}


def doctor(*, as_json: Json = False) -> None:
    """Check the set-up: one line per check; exit 1 if something that is configured does not work."""
    try:
        settings = read_settings()
    except InvalidInput as error:  # nothing else can be known then
        found = [Finding("settings", State.WRONG, error.sentence)]
    else:
        configure_log(settings)
        found = run_async(examine(settings))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], ensure_ascii=False, indent=2))
    else:
        for finding in found:
            typer.echo(f"{_MARKS[finding.state]}  {finding.check}: {finding.says}")
    if any(finding.state is State.WRONG for finding in found):
        raise typer.Exit(1)


async def examine(settings: Settings) -> list[Finding]:
    """Return what every check found."""
    return [
        Finding("settings", State.OK, "readable"),
        *await _told("database", lambda: _database(settings)),
        *await _told("storage", lambda: _storage(settings)),
        *await _told("secret key", lambda: _secret_key(settings)),
        _model(settings),
        _public_url(settings),
        *await _slack(settings),
        *await _discord(settings),
    ]


async def _told(check: str, work: Callable[[], Awaitable[Sequence[Finding]]]) -> Sequence[Finding]:
    """Return what a check found; an error of ours says itself how to mend it."""
    try:
        return await work()
    except HomeroomError as error:
        return [Finding(check, State.WRONG, error.sentence)]


async def _database(settings: Settings) -> list[Finding]:
    where = "configured" if settings.database_url else f"embedded, in {settings.home}"
    engine = create_engine(await database_url(settings), prepared_statements=settings.prepared_statements)
    try:
        revision = await schema_revision(engine)
        async with engine.connect() as connection:
            there = set(await connection.scalars(text("SELECT extname FROM pg_extension")))
    finally:
        await engine.dispose()
    found = [Finding("database", State.OK, f"reachable ({where})")]
    if revision == newest_revision():
        found.append(Finding("schema", State.OK, revision))
    elif settings.database_url is None:
        found.append(
            Finding("schema", State.NOTICE, "not this version's yet; it is brought up to date at the next start")
        )
    else:
        found.append(Finding("schema", State.WRONG, f"at {revision or 'none'}. Run: homeroom db upgrade"))
    missing = [name for name in EXTENSIONS if name not in there]
    if missing and revision is not None:
        statements = " ".join(f"CREATE EXTENSION {name};" for name in missing)
        found.append(Finding("extensions", State.WRONG, f"Have an administrator run in this database: {statements}"))
    elif not missing:
        found.append(Finding("extensions", State.OK, ", ".join(EXTENSIONS)))
    return found


async def _storage(settings: Settings) -> list[Finding]:
    store, key, word = open_storage(settings.storage), f"doctor/{uuid.uuid4()}", b"homeroom"
    await store.put(key, word)
    same = await store.get(key) == word
    await store.delete(key)
    kind = urlsplit(settings.storage).scheme
    if not same:
        return [Finding("storage", State.WRONG, f"What was written ({kind}) came back different.")]
    return [Finding("storage", State.OK, f"writable ({kind})")]


async def _secret_key(settings: Settings) -> list[Finding]:
    if settings.secret_key is None and settings.database_url and not (settings.public_url or _is_installable(settings)):
        return [
            Finding("secret key", State.NOTICE, "SECRET_KEY is not set; links to sources and installations need it.")
        ]
    secrets = make_secrets(settings)
    secrets.decrypt(secrets.encrypt(b"homeroom"))
    return [Finding("secret key", State.OK, "set" if settings.secret_key else f"generated, in {settings.home}")]


def _model(settings: Settings) -> Finding:
    if settings.has_openai or ":" in settings.chat_model:
        return Finding("model", State.OK, settings.chat_model)
    return Finding(
        "model",
        State.NOTICE,
        "None is configured: answers quote the material. For written answers set OPENAI_API_KEY or OPENAI_BASE_URL.",
    )


def _public_url(settings: Settings) -> Finding:
    if settings.public_url is None:
        if settings.slack_mode == "http" or _is_installable(settings):
            return Finding("public url", State.WRONG, "Set PUBLIC_URL to where Slack reaches this server by https.")
        return Finding("public url", State.NOTICE, "PUBLIC_URL is not set: sources have no pages to open.")
    parts = urlsplit(settings.public_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return Finding("public url", State.WRONG, "PUBLIC_URL must look like https://homeroom.example.org.")
    if parts.scheme == "http":
        return Finding("public url", State.NOTICE, f"{settings.public_url} is not https: Slack would not post there.")
    return Finding("public url", State.OK, settings.public_url)


async def _slack(settings: Settings) -> list[Finding]:
    bot, app_token = _plain(settings.slack_bot_token), _plain(settings.slack_app_token)
    if bot is None and settings.slack_client_id is None:
        mend = "Make an app from `homeroom slack manifest`, then set SLACK_BOT_TOKEN and SLACK_APP_TOKEN."
        return [Finding("slack", State.NOTICE, f"Not configured. {mend}")]
    client, found = AsyncWebClient(bot, base_url=settings.slack_api_url, timeout=_SECONDS), []
    if bot is not None:
        found += await check_bot(client)
    else:
        found.append(_installable(settings))
    if settings.slack_mode == "http":
        found.append(_signing_secret(settings))
    elif app_token is None:
        mend = "Make one with the scope connections:write on the app's page “Basic Information”."
        found.append(Finding("slack app token", State.WRONG, f"SLACK_APP_TOKEN is not set. {mend}"))
    else:
        found.append(await check_socket(client, app_token))
    url = settings.public_url if settings.slack_mode == "http" else None
    wanted = make_manifest(
        slash_commands(settings.command_prefix), url=url if (url or "").startswith("https") else None
    )
    found.append(await check_registration(client, _plain(settings.slack_config_token), app_token, wanted))
    return found


async def _discord(settings: Settings) -> list[Finding]:
    token = _plain(settings.discord_bot_token)
    if token is None:
        mend = "Make an application at https://discord.com/developers/applications, then set DISCORD_BOT_TOKEN."
        return [Finding("discord", State.NOTICE, f"Not configured. {mend}")]
    return await check_discord(token, settings.discord_api_url)


def _is_installable(settings: Settings) -> bool:
    """Say whether many workspaces may install the app; a bot token is that of one."""
    return settings.slack_client_id is not None and settings.slack_bot_token is None


def _installable(settings: Settings) -> Finding:
    if settings.slack_client_secret is None:
        mend = "Copy it from the app's page “Basic Information”."
        return Finding("slack installation", State.WRONG, f"SLACK_CLIENT_SECRET is not set. {mend}")
    if settings.slack_mode == "socket":
        return Finding("slack installation", State.WRONG, HTTP_ONLY)
    where = (settings.public_url or "").rstrip("/") + "/slack/install"
    return Finding("slack installation", State.OK, f"workspaces install the app at {where}")


def _signing_secret(settings: Settings) -> Finding:
    if settings.slack_signing_secret is None:
        mend = "Copy it from the app's page “Basic Information”."
        return Finding("slack signing secret", State.WRONG, f"SLACK_SIGNING_SECRET is not set. {mend}")
    return Finding("slack signing secret", State.OK, "set")


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
