"""What a planned thing stands in."""

from __future__ import annotations

from core.content.course_plan import Planned, PlannedAssignment, PlannedLesson, PlannedMaterial
from core.content.kinds import LESSON, MODULE, Kind


def parent_of(planned: Planned) -> tuple[Kind, str] | None:
    """Return what a thing stands in, by kind and key; None for the class."""
    match planned:
        case PlannedLesson(module=module):
            return (MODULE, module)
        case PlannedMaterial(lesson=lesson) if lesson is not None:
            return (LESSON, lesson)
        case PlannedAssignment(lesson=lesson) if lesson is not None:
            return (LESSON, lesson)
        case PlannedAssignment(module=module) if module is not None:
            return (MODULE, module)
        case _:
            return None
