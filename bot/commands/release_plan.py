"""A release before it is done: who would see what, how it is spread, and the choice to do it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from adapters.charts import draw_distribution
from bot.commands.browsing import show_moment
from bot.commands.release_selection import pack
from bot.commands.telling_apart import told_apart
from core.grading.mark import plain
from core.grading.plan_release import LineFate, ReleaseLine, ReleasePlan
from core.replies import Choice, Choices, Note, Part, Picture, Reply, Table, Text
from core.text import literal, one_line

GO, LATER, LEAVE = "release.go", "release.later", "release.leave"  # served in releasing.py
MOST_ROWS = 60  # of a dry run: a message has an end
FATES = {
    LineFate.NEW: "New",
    LineFate.CHANGED: "Changed",
    LineFate.UNCHANGED: "Unchanged",
    LineFate.UNGRADED: "Not graded",
}


async def dry_run(
    plan: ReleasePlan, name: str, time_zone: str, *, at: datetime | None = None, untold: Sequence[Part] = ()
) -> Reply:
    """Return what a release would do, with the choice to do it: now, or at a moment, said in a time zone.

    `untold` is who could not be told of what was released before.
    """
    parts: list[Part] = [Text(f"**{literal(name)}**: this is what releasing would do."), _summary(plan)]
    if not plan.changes and at is None:
        return Reply((*parts, *untold, Text("There is nothing new to release.")))
    parts += [*_changes(plan), *untold]
    picture = await _picture(plan, name)
    parts += [picture] if picture else []
    packed = pack(plan.selection)
    if at is not None:
        parts.append(Note("What is released then is what the drafts are then."))
        doing = Choice(f"Schedule for {show_moment(at, time_zone)}", LATER, f"{int(at.timestamp())}:{packed}")
    else:
        doing = Choice("Release", GO, f"{plan.fingerprint}:{packed}")
    return Reply((*parts, Choices((doing, Choice("Leave it", LEAVE)))))


def _summary(plan: ReleasePlan) -> Table:
    rows = [(word, str(len(plan.of(fate)))) for fate, word in FATES.items()]
    rows += [("Of what is released: missing", str(len(plan.missing))), ("… excused", str(len(plan.excused)))]
    rows.append(("Students who are told", str(len(plan.students))))
    return Table(("Grades", "Number"), tuple(rows))


def _changes(plan: ReleasePlan) -> list[Part]:
    names = told_apart((line.student_user_id, line.student, line.email) for line in plan.lines)
    several = len({line.assignment_id for line in plan.lines}) > 1
    parts: list[Part] = []
    if plan.changes:
        headings = ("Who", *(("Assignment",) if several else ()), "Sees now", "Would see")
        rows = tuple(
            (
                names[line.student_user_id],
                *((line.assignment,) if several else ()),
                str(line.old) if line.old is not None else "–",
                f"{line.new}{_besides(line)}",
            )
            for line in plan.changes[:MOST_ROWS]
        )
        parts.append(Table(headings, rows, "Would change"))
        if len(plan.changes) > MOST_ROWS:
            parts.append(Note(f"… and {len(plan.changes) - MOST_ROWS} more; `section:` or `person:` shows fewer."))
    ungraded = plan.of(LineFate.UNGRADED)
    if ungraded:
        parts.append(Note(f"Not graded, so nothing is shown: {_names(ungraded, names, several=several)}."))
    return parts


def _besides(line: ReleaseLine) -> str:
    """Return what else changes for a grade that was released before."""
    if line.old is None:
        return ""
    said = ["feedback changes"] if line.feedback_changes else []
    if line.reweighs:
        said.append(f"weight {plain(line.old.weight)} → {plain(line.new.weight)}")
    return f" ({', '.join(said)})" if said else ""


def _names(lines: Sequence[ReleaseLine], names: Mapping[UUID, str], *, several: bool) -> str:
    shown = [(names[line.student_user_id], line.assignment) for line in lines[:MOST_ROWS]]
    named = [f"{name} ({work})" if several else name for name, work in shown]
    more = len(lines) - len(named)
    return literal(", ".join(named)) + (f" and {more} more" if more else "")


async def _picture(plan: ReleasePlan, name: str) -> Picture | None:
    if not any(bucket.count for bucket in plan.distribution):
        return None
    return await asyncio.to_thread(draw_distribution, plan.distribution, one_line(name, 60))


def count_of(number: int, what: str) -> str:
    """Return so many of something, in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"
