"""Turns the times of a course file into moments, in the class's time zone."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.assignments.models import AssignmentRevision
from core.content.course_plan import Moment, PlannedAssignment
from core.content.fields import AssignmentFields

_FIRST_MINUTE = time()
_LAST_MINUTE = time(23, 59)


def assignment_fields(
    planned: PlannedAssignment, zone: ZoneInfo, before: AssignmentRevision | None
) -> AssignmentFields:
    """Return what an assignment of the course says; `before` is what an earlier import made of it.

    `+14d` counts from the first import, so that importing again moves nothing. Raises `InvalidInput`.
    """
    return AssignmentFields(
        title=planned.title,
        instructions=planned.instructions,
        points=planned.points,
        weight=planned.weight,
        opens_at=_moment(planned.opens, before.opens_at if before else None, zone, _FIRST_MINUTE),
        due_at=_moment(planned.due, before.due_at if before else None, zone, _LAST_MINUTE),
        closes_at=_moment(planned.closes, before.closes_at if before else None, zone, _LAST_MINUTE),
        ai_policy=planned.ai_policy,
    )


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone, UTC when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _moment(said: Moment | None, before: datetime | None, zone: ZoneInfo, at: time) -> datetime | None:
    if said is None:
        return None
    if isinstance(said, timedelta):
        return before or datetime.combine(datetime.now(zone).date() + said, at, zone)
    if isinstance(said, datetime):
        return said if said.tzinfo else said.replace(tzinfo=zone)
    return datetime.combine(said, at, zone)
