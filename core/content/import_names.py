"""What the things of a course are called, for reports about a course whose keys are identifiers."""

from __future__ import annotations

from collections.abc import Mapping

from core.content.course_plan import CoursePlan
from core.content.imported import Known
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE


def names_of(plan: CoursePlan, known: Mapping[str, Mapping[str, Known]]) -> dict[tuple[str, str], str]:
    """Return titles by kind and key: the course's, and for what it no longer has, the class's."""
    before = {
        (kind, key): thing.newest.title
        for kind, things in known.items()
        for key, thing in things.items()
        if thing.newest is not None
    }
    named = ((MODULE, plan.modules), (LESSON, plan.lessons), (ASSIGNMENT, plan.assignments))
    now = {(kind.name, each.key): each.title for kind, things in named for each in things}
    files = {(MATERIAL.name, each.key): each.title or each.fallback_title for each in plan.materials}
    return before | now | files
