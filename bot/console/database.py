"""`homeroom db …`: where the database is, its migrations, and whether it is as it should be."""

from __future__ import annotations

import typer
from sqlalchemy import text

from adapters.queue import missing_from_queue
from bot.bootstrap import database_url, schema_revision, upgrade_database
from bot.console.run import configure_log, notice, run_async
from bot.settings import Settings, read_settings
from core.db import create_engine
from core.schema.check import differences
from migrations.upgrade import newest_revision

app = typer.Typer(help="The database: where it is, migrations, checks.", no_args_is_help=True)


@app.command()
def url() -> None:
    """Print the database's URL, starting the embedded one where no DATABASE_URL is set."""
    typer.echo(run_async(database_url(_settings())))


@app.command()
def upgrade() -> None:
    """Bring the database to this version's schema."""
    settings = _settings()

    async def work() -> None:
        await upgrade_database(settings, await database_url(settings))

    run_async(work())
    notice("The database is up to date.")


@app.command()
def check() -> None:
    """Compare the database's schema with what this version expects; exit 1 if anything differs."""
    found = run_async(_check(_settings()))
    for line in found:
        typer.echo(line)
    if found:
        raise typer.Exit(1)
    notice("The database's schema is as it should be.")


async def _check(settings: Settings) -> list[str]:
    engine = create_engine(await database_url(settings), prepared_statements=settings.prepared_statements)
    try:
        revision = await schema_revision(engine)
        if revision != newest_revision():
            return [
                f"The schema is at revision {revision or 'none'}, not {newest_revision()}. Run: homeroom db upgrade"
            ]
        async with engine.connect() as connection:
            found = await differences(connection)
            await connection.rollback()
            await connection.execute(text("SELECT 1"))  # in a transaction, so that a pooler keeps to one backend
            driver = (await connection.get_raw_connection()).driver_connection
            queue = await missing_from_queue(driver) if driver is not None else ()
        return [*found, *(f"The queue lacks: {statement}" for statement in queue)]
    finally:
        await engine.dispose()


def _settings() -> Settings:
    settings = read_settings()
    configure_log(settings)
    return settings
