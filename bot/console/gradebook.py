"""`homeroom gradebook import` and `export`: grades from a Canvas file into drafts, and out again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from adapters.gradebooks.read_canvas import MOST_BYTES, read_canvas
from adapters.gradebooks.write_canvas import write_canvas
from adapters.gradebooks.write_oneroster import write_oneroster
from bot.bootstrap import open_app
from bot.console.options import AsEmail, ClassCode
from bot.console.run import acting, configure_log, notice, run_async
from bot.settings import read_settings
from core.errors import InvalidInput, Oversized
from core.grading.gradebook import Gradebook, gradebook
from core.grading.gradebook_report import needs_a_look, report_lines
from core.grading.import_gradebook import GradebookReport, import_gradebook, preview_gradebook

app = typer.Typer(help="Bring grades in and out.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A Canvas gradebook CSV.", show_default=False)],
    code: ClassCode,
    email: AsEmail,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Save a file's grades as drafts, which students don't see before a release. Empty cells change nothing."""
    report = run_async(_import(file, code, email, dry_run=dry_run))
    for line in report_lines(report, dry_run=dry_run):
        typer.echo(line)
    if dry_run:
        notice("This was a preview; nothing was changed.")
    raise typer.Exit(1 if needs_a_look(report) else 0)


@app.command("export")
def export(
    file: Annotated[
        Path, typer.Argument(help="Where to write: NAME.csv for Canvas, NAME.zip for OneRoster.", show_default=False)
    ],
    code: ClassCode,
    email: AsEmail,
) -> None:
    """Write the drafts as a CSV that Canvas imports; or, as a .zip, the released grades as OneRoster results."""
    book, data = run_async(_export(code, email, oneroster=file.suffix.lower() == ".zip"))
    try:
        file.write_bytes(data)
    except OSError as error:
        raise InvalidInput(f"The file {file} can't be written: {error.strerror}.") from error
    typer.echo(f"The grades of {len(book.pupils)} students are in {file}.")


async def _import(file: Path, code: str, email: str, *, dry_run: bool) -> GradebookReport:
    settings = read_settings()
    configure_log(settings)
    sheet = read_canvas(_read(file), file.name)
    async with open_app(settings) as opened:
        actor, class_ = await acting(opened, email, code)
        async with opened.sessions.begin() as session:
            do = preview_gradebook if dry_run else import_gradebook
            return await do(session, actor, class_.id, sheet)


async def _export(code: str, email: str, *, oneroster: bool) -> tuple[Gradebook, bytes]:
    settings = read_settings()
    configure_log(settings)
    async with open_app(settings) as opened:
        actor, class_ = await acting(opened, email, code)
        async with opened.sessions() as session:
            book = await gradebook(session, actor, class_.id)
    if oneroster:
        return book, write_oneroster(book, class_sourced_id=class_.code, today=datetime.now(UTC).date())
    return book, write_canvas(book)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise Oversized(f"{file.name} is larger than {MOST_BYTES // 1024**2} MB. Is this the right file?")
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"The file {file} can't be read: {error.strerror}.") from error
