"""`homeroom roster import`: who is in a class, from a file, with a preview and a report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TextIO
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.rosters.read import MOST_BYTES, read_roster
from bot.bootstrap import open_app
from bot.console.code_file import new_code_file, write_rows
from bot.console.options import ClassCode
from bot.console.run import configure_log, notice, run_async
from bot.settings import read_settings
from core.audit.record import Actor
from core.classes.enrol import get_class
from core.classes.import_roster import RosterReport, import_roster, preview_roster
from core.classes.roster_report import report_lines
from core.errors import InvalidInput, Oversized
from core.identity.link import not_linked
from core.identity.link_codes import LONGEST, make_codes

app = typer.Typer(help="Bring a class's people in.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A CSV file, a Canvas gradebook CSV or a OneRoster zip.", show_default=False)
    ],
    code: ClassCode,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")] = False,  # noqa: FBT002  (a flag)
    from_class: Annotated[
        str | None, typer.Option("--from-class", help="The class inside a OneRoster zip.", show_default=False)
    ] = None,
    email_domain: Annotated[
        str | None, typer.Option("--email-domain", help="Makes addresses of bare logins.", show_default=False)
    ] = None,
    codes: Annotated[
        Path | None,
        typer.Option("--codes", help="Write one-time link codes into this new file, to hand out.", show_default=False),
    ] = None,
    days: Annotated[int, typer.Option("--days", help="How long the codes are valid.", min=1, max=LONGEST.days)] = 14,
) -> None:
    """Add and enrol the people of a roster, or bring those who are there up to date. Nobody is taken out."""
    if dry_run and codes is not None:
        raise InvalidInput("A preview makes no codes; leave out --codes or --dry-run.")

    async def work(session: AsyncSession) -> RosterReport:
        actor = Actor.command_line()
        class_ = await get_class(session, code)
        plan = read_roster(
            _read(file),
            file.name,
            today=datetime.now(UTC).astimezone(ZoneInfo(class_.time_zone)).date(),
            from_class=from_class,
            known_as=(class_.code, class_.title),
            email_domain=email_domain,
        )
        if dry_run:
            return await preview_roster(session, actor, class_.id, plan)
        report = await import_roster(session, actor, class_.id, plan)
        if code_file is not None:
            await hand_out(session, actor, report, timedelta(days=days), code_file)
        return report

    with new_code_file(codes) if codes else nullcontext() as code_file:
        report = run_async(_in_transaction(work))
    for line in report_lines(report, dry_run=dry_run):
        typer.echo(line)
    if codes:
        notice(f"The codes are in {codes}, which you alone can read. Delete it once they are handed out.")
    if dry_run:
        notice("This was a preview; nothing was changed.")
    raise typer.Exit(1 if report.unusable else 0)


async def _in_transaction(work: Callable[[AsyncSession], Awaitable[RosterReport]]) -> RosterReport:
    settings = read_settings()
    configure_log(settings)
    async with open_app(settings) as app, app.sessions.begin() as session:
        return await work(session)


async def hand_out(
    session: AsyncSession, actor: Actor, report: RosterReport, lifetime: timedelta, file: TextIO
) -> None:
    """Write a new code for everybody on the roster who has no chat account tied to them yet."""
    entries = {entry.user_id: entry for entry in report.entries if entry.user_id}
    codes = await make_codes(session, actor, await not_linked(session, entries.keys()), lifetime=lifetime)
    write_rows(
        file,
        [
            (
                entry.email,
                entry.name,
                entry.row.section,
                codes[user_id].code,
                f"{codes[user_id].expires_at:%Y-%m-%d %H:%M}",
            )
            for user_id, entry in entries.items()
            if user_id in codes
        ],
    )


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise Oversized(f"{file.name} is larger than {MOST_BYTES // 1024**2} MB. Is this the right file?")
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"The file {file} can't be read: {error.strerror}.") from error
