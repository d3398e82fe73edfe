"""How much a Canvas course's assignments count here, so that the class's weighted total comes out as Canvas's did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from adapters.courses.imscc_assignment import Assignment
from adapters.courses.imscc_canvas import Canvas
from core.content.course_plan import PlannedAssignment

_PLACES = 4


def weigh(assignments: Sequence[tuple[PlannedAssignment, Assignment]], canvas: Canvas) -> list[PlannedAssignment]:
    """Give each assignment its weight.

    Canvas adds up points, within a group where groups have weights: a total is Σ group weight x (Σ score / Σ points).
    As a mean of each assignment's own share that is a weight of its points, or of its part of its group's weight.
    What does not count towards the total there has weight 0. Outside Canvas every assignment has weight 1.
    """
    if not canvas.is_canvas:
        return [planned for planned, _ in assignments]
    by_group = follows_groups(assignments, canvas)
    points: dict[str | None, Decimal] = {}
    for planned, said in assignments:
        points[said.group] = points.get(said.group, Decimal(0)) + (planned.points if said.counts else 0)
    weighed = []
    for planned, said in assignments:
        group = canvas.groups.get(said.group or "")
        if not said.counts:
            weight = Decimal(0)
        elif not by_group:
            weight = planned.points
        elif group is None or not points[said.group]:
            weight = Decimal(0)
        else:
            weight = round(group.weight * planned.points / points[said.group], _PLACES)
        weighed.append(replace(planned, weight=weight))
    return weighed


def follows_groups(assignments: Sequence[tuple[PlannedAssignment, Assignment]], canvas: Canvas) -> bool:
    """Say whether the groups' weights are taken over: not where all that has weight is quizzes, which stay behind."""
    weights = (canvas.groups[said.group].weight for _, said in assignments if said.group in canvas.groups)
    return canvas.weighted and any(weight > 0 for weight in weights)
