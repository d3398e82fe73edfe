"""The wiring: the only file that names concrete classes. Opens what a process needs, and closes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.documents.reader import SeparateReader
from adapters.embedded_postgres import ensure_running
from adapters.models.extractive import ExtractiveChat
from adapters.models.lexical import LexicalEmbedder
from adapters.queue import PostgresQueue, install_queue
from adapters.secrets import Secrets, kept_key, no_key, parse_keys
from adapters.storage import open_storage
from bot.app import App
from bot.following import Following
from bot.settings import Settings
from bot.web.links import source_link
from core.admin.knowledge import EmbeddingSpace, live_embedding
from core.answering.answer import Answering
from core.answering.store import fail_abandoned
from core.db import create_engine, create_sessions
from core.errors import DatabaseUnavailable, InvalidInput, NotReady
from core.materials.process import Pipeline
from core.ports import ChatModel, Embedder, OneTimePasswords
from migrations.upgrade import newest_revision, upgrade

log = structlog.get_logger(__name__)


async def database_url(settings: Settings) -> str:
    """Return where the database is, starting the embedded one where none is configured."""
    return settings.database_url or await ensure_running(settings.home)


async def upgrade_database(settings: Settings, url: str) -> None:
    """Bring a database to the newest schema, with the queue's tables."""
    await upgrade(
        settings.database_direct_url or url,
        embedding_model=settings.embedding_model,
        embedding_dimension=settings.embedding_dimension,
        install_queue=install_queue,
    )


@asynccontextmanager
async def open_app(settings: Settings, *, models: Sequence[ChatModel] | None = None) -> AsyncIterator[App]:
    """Open everything a process needs. `models` stand in for the configured chat models, in tests.

    The embedded database is brought up to date by itself; any other is left alone until `homeroom db upgrade`.
    Raises `DatabaseUnavailable`, `NotReady` (the schema is another version's), `InvalidInput`.
    """
    url = await database_url(settings)
    async with AsyncExitStack() as stack:
        engine = create_engine(url, prepared_statements=settings.prepared_statements)
        stack.push_async_callback(engine.dispose)
        if await schema_revision(engine) != newest_revision():
            if settings.database_url is not None:
                raise NotReady("The database's schema is not this version's. Run: homeroom db upgrade")
            await upgrade_database(settings, url)
            await engine.dispose()  # connections opened before the extensions were there can't read vectors
        sessions = create_sessions(engine)
        await fail_abandoned(sessions)  # whatever an earlier process left half written
        async with sessions() as session:
            space = await live_embedding(session)
        if "embedding_model" in settings.model_fields_set and settings.embedding_model != space.model:
            log.warning("embedding_model_ignored", asked=settings.embedding_model, live=space.model)
        embedder = make_embedder(settings, space)
        storage = open_storage(settings.storage)
        secrets = make_secrets(settings)
        reader = await stack.enter_async_context(SeparateReader())
        queue = PostgresQueue()
        chat_models = tuple(models) if models is not None else make_chat_models(settings)
        stack.push_async_callback(embedder.aclose)
        for model in chat_models:
            stack.push_async_callback(model.aclose)
        otp = make_otp(settings)
        if otp is not None:
            stack.push_async_callback(otp.aclose)
        following = Following(sessions)
        stack.push_async_callback(following.aclose)
        yield App(
            settings=settings,
            listen_url=settings.database_direct_url or url,
            engine=engine,
            sessions=sessions,
            answering=Answering(
                sessions, (*chat_models, ExtractiveChat()), embedder, partial(source_link, settings, secrets)
            ),
            pipeline=Pipeline(sessions, storage, reader, embedder, queue),
            secrets=secrets,
            following=following,
            otp=otp,
        )


async def schema_revision(engine: AsyncEngine) -> str | None:
    """Return the revision a database is at; None for an empty one. Raises `DatabaseUnavailable`."""
    try:
        async with engine.connect() as connection:
            if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
                return None
            revision = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            return str(revision) if revision else None
    except (DBAPIError, OSError) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]
        raise DatabaseUnavailable(f"The database can't be reached: {reason}") from error


def make_secrets(settings: Settings) -> Secrets:
    """Return what encrypts and seals; the embedded database has a key of its own. Raises `InvalidInput` (a bad key)."""
    if settings.secret_key is not None:
        keys = settings.secret_key.get_secret_value()
        parse_keys(keys)  # a key that is set and wrong is told at once; one that is missing only where it is needed
        return Secrets(lambda: keys)
    return Secrets(no_key if settings.database_url is not None else lambda: kept_key(settings.home))


def make_otp(settings: Settings) -> OneTimePasswords | None:
    """Return what mails codes to people who link their account; None where Supabase Auth is not configured."""
    if settings.supabase_url is None or settings.supabase_service_role_key is None:
        return None
    from adapters.supabase import SupabaseAuth  # noqa: PLC0415

    return SupabaseAuth(settings.supabase_url, settings.supabase_service_role_key.get_secret_value())


def make_chat_models(settings: Settings) -> tuple[ChatModel, ...]:
    """Return the configured chat models in the order they are tried; the built-in answerer comes after them."""
    if ":" in settings.chat_model:
        from adapters.models.langchain import LangChainChat  # noqa: PLC0415  (slow to import, and seldom needed)

        return (LangChainChat(settings.chat_model),)
    if not settings.has_openai:
        return ()
    from adapters.models.openai import OpenAIChat  # noqa: PLC0415

    return (OpenAIChat(settings.chat_model, api_key=_api_key(settings), base_url=settings.openai_base_url),)


def make_embedder(settings: Settings, space: EmbeddingSpace) -> Embedder:
    """Return the embedder of the live vectors. Raises `InvalidInput` when its server is not configured."""
    if space.model.startswith("lexical-"):
        return LexicalEmbedder(space.dimension)
    if ":" in space.model:
        from adapters.models.langchain import LangChainEmbedder  # noqa: PLC0415

        return LangChainEmbedder(space.model, dimension=space.dimension)
    if not settings.has_openai:
        raise InvalidInput(
            f"The material is embedded with {space.model}; set OPENAI_API_KEY (and OPENAI_BASE_URL) to its server."
        )
    from adapters.models.openai import OpenAIEmbedder  # noqa: PLC0415

    return OpenAIEmbedder(
        space.model, dimension=space.dimension, api_key=_api_key(settings), base_url=settings.openai_base_url
    )


def _api_key(settings: Settings) -> str:
    # A local server often wants no key, but the protocol's header wants some word.
    return settings.openai_api_key.get_secret_value() if settings.openai_api_key else "none"
