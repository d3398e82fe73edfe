"""What a gradebook file does, as lines for a console."""

from __future__ import annotations

from core.grading.import_gradebook import GradebookReport

MOST_LISTED = 20


def report_lines(report: GradebookReport, *, dry_run: bool = False) -> list[str]:
    """Return a report as lines: what was changed, old → new (all of it in a preview); then what needs a look."""
    changes = report.changes
    lines = [f"drafts {'that would be ' if dry_run else ''}changed: {len(changes)}"]
    listed = changes if dry_run else changes[:MOST_LISTED]
    lines += [f"  {each.student}, {each.assignment}: {each.old} → {each.new}" for each in listed]
    lines += [f"  … and {len(changes) - len(listed)} more"] if len(changes) > len(listed) else []
    lines.append(f"unchanged: {report.unchanged}; empty, left as they are: {report.empty}")
    if report.read_only:
        lines.append(f"read-only columns, not looked at: {len(report.read_only)}")
    lines += [f"the LMS’s id of {each.assignment}: {each.lms_id}" for each in report.learnt]
    lines += [f"note: {note}" for note in report.notes]
    lines += [f"column not used: {each.what}: {each.reason}" for each in report.unknown_columns]
    lines += [
        f"row not used: {row.where}{f' ({row.who})' if row.who else ''}: {row.reason}" for row in report.unknown_rows
    ]
    lines += [f"cell not used: {each.where} ({each.what}): {each.reason}" for each in report.unusable_cells]
    return lines


def needs_a_look(report: GradebookReport) -> bool:
    """Whether something in the file could not be used."""
    return bool(report.unknown_columns or report.unknown_rows or report.unusable_cells)
