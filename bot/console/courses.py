"""`homeroom course import`: a folder or a course package in, with a progress bar and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.courses.import_path import import_path
from bot.app import App
from bot.bootstrap import open_app
from bot.console.options import AsEmail, ClassCode
from bot.console.run import acting, configure_log, run_async
from bot.settings import read_settings
from core.audit.record import Actor
from core.content.import_report import Fate, ImportReport

app = typer.Typer(help="Bring a course in.", no_args_is_help=True)

MOST_LISTED = 20


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="The course's folder, or its package (.imscc).", show_default=False)],
    code: ClassCode,
    email: AsEmail,
    publish: Annotated[bool, typer.Option("--publish", help="Show everything to students at once.")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Import a course as drafts, or update what was imported from it before."""
    report = run_async(_import(path, code, email, publish=publish))
    for line in report_lines(report):
        typer.echo(line)
    raise typer.Exit(1 if report.of(Fate.FAILED) else 0)


async def _import(path: Path, code: str, email: str, *, publish: bool) -> ImportReport:
    settings = read_settings()
    configure_log(settings)
    # Past any pooler, which could hand the lock that keeps a second import out to somebody else.
    direct = settings.model_copy(update={"database_url": settings.database_direct_url or settings.database_url})
    async with open_app(direct) as opened:
        actor, class_ = await acting(opened, email, code)
        return await import_with_progress(opened, actor, class_.id, path, publish=publish)


async def import_with_progress(opened: App, actor: Actor, class_id: UUID, path: Path, *, publish: bool) -> ImportReport:
    """Import a course, showing on standard error how far it is."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # it would print an empty line in a log
    ) as bar:
        task = bar.add_task("Reading the course", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what[:40])

        return await import_path(opened.pipeline, actor, class_id, path, publish=publish, progress=show)


def report_lines(report: ImportReport) -> list[str]:
    """Return a report as lines: what was done, counted; then what needs a look, named."""
    lines = []
    for fate in (Fate.CREATED, Fate.CHANGED, Fate.UNCHANGED, Fate.PUBLISHED, Fate.QUEUED):
        counts = report.count(fate)
        if counts:
            lines.append(
                f"{fate.value}: " + ", ".join(f"{number} {_plural(kind, number)}" for kind, number in counts.items())
            )
    if report.chunks:
        lines.append(f"passages indexed: {report.chunks}")
    for fate in (Fate.FAILED, Fate.WITHDRAWN, Fate.MOVED, Fate.CONFLICT, Fate.DELETED, Fate.VANISHED):
        lines += [f"{fate.value}: {report.name(entry)}: {entry.reason}" for entry in report.of(fate)]
    for title, left_out in (("kept from students", report.kept_out), ("not imported", report.skipped)):
        if left_out:
            lines.append(f"{title}: {len(left_out)} {_plural('thing', len(left_out))}")
            lines += [f"  {item.called or item.path}: {item.reason}" for item in left_out[:MOST_LISTED]]
            if len(left_out) > MOST_LISTED:
                lines.append(f"  … and {len(left_out) - MOST_LISTED} more")
    lines += [f"note: {note}" for note in report.notes]
    return lines or ["Nothing to do."]


def _plural(kind: str, number: int) -> str:
    return kind if number == 1 else f"{kind}s"
