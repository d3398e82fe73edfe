"""The queue's entrypoints: what each job does, and what happens to those that fail for good."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from adapters.worker import GaveUp, Handler
from core.materials.process import Pipeline, give_up, process_lesson, process_material
from core.materials.queueing import PROCESS


def entrypoints(pipeline: Pipeline) -> dict[str, Handler]:
    """Return the jobs by name, for `run_worker` and `drain`."""
    return {
        PROCESS["lesson"]: partial(process_lesson, pipeline),
        PROCESS["material"]: partial(process_material, pipeline),
    }


def gave_up(pipeline: Pipeline) -> GaveUp:
    """Return what to do about a job that has used its attempts."""

    async def end(entrypoint: str, payload: UUID, error: Exception) -> None:
        if entrypoint in PROCESS.values():
            await give_up(pipeline, entrypoint, payload, error)

    return end
