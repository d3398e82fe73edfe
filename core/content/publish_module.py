"""Publish a whole module: itself, and every lesson, material and assignment in it that has a draft, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, audit_row, record_all
from core.content.kinds import MODULE, lock_root
from core.content.parts import Part, parts_of_module
from core.content.publish import Publication, show_all
from core.content.readiness import Finding, Weight, find, fingerprint, refuse_unready
from core.content.waiting import begun_at, end, wait_together, waiting_actions
from core.enums import ActionState
from core.errors import Conflict, NotFound
from core.identity.permissions import require_teacher


@dataclass(frozen=True, slots=True)
class ModulePublication:
    """What came of it, for which things (kind and id), and what the teacher should know."""

    came_to: Publication
    things: tuple[tuple[str, UUID], ...]
    findings: tuple[Finding, ...]


async def publish_module(
    session: AsyncSession,
    actor: Actor,
    module_id: UUID,
    *,
    seen: str | None = None,
    anyway: bool = False,
    when_ready: bool = False,
) -> ModulePublication:
    """Publish a module with all in it that has a draft, or queue that until every text is READY.

    `seen` is the plan's fingerprint that the person was shown; `anyway` publishes what looks like a mistake (an empty
    lesson, dates in the wrong order); `when_ready` queues what is still being processed. Raises `NotFound`,
    `NotPermitted`, `Conflict` (edited since the plan was shown), `NotReady` with the findings in its data.
    """
    parts, findings = await lock_module_parts(session, actor, module_id, seen=seen, anyway=anyway)
    if when_ready:
        waits = any(each.weight is Weight.WAITS for each in findings)
    else:
        refuse_unready(MODULE, findings, Weight.WAITS)
        waits = False
    if waits:
        await _queue(session, actor, module_id, parts)
    else:
        await show_all(session, actor, [(part.kind, part.root, part.revision) for part in parts])
    came_to = Publication.QUEUED if waits else Publication.PUBLISHED
    return ModulePublication(came_to, tuple((part.kind.name, part.root.id) for part in parts), tuple(findings))


async def lock_module_parts(
    session: AsyncSession, actor: Actor, module_id: UUID, *, seen: str | None, anyway: bool
) -> tuple[list[Part], list[Finding]]:
    """Lock a module and all in it, and return what is to be published of it, which nothing but unready texts stops.

    Raises as `publish_module` does.
    """
    module = await lock_root(session, MODULE, module_id)
    await require_teacher(session, actor, module.class_id)
    parts = await parts_of_module(session, module, lock=True)
    if not parts:
        raise NotFound("Nothing in this module has a draft to publish.")
    if seen is not None and seen != fingerprint(parts):
        raise Conflict("Somebody edited this module meanwhile, so nothing was published. Look at it again.")
    findings = await find(session, parts)
    refuse_unready(MODULE, findings, *((Weight.STOPS,) if anyway else (Weight.STOPS, Weight.ASKS)))
    return parts, findings


async def _queue(session: AsyncSession, actor: Actor, module_id: UUID, parts: list[Part]) -> None:
    now = await begun_at(session)
    for waiting in (await waiting_actions(session, {(part.kind.name, part.root.id) for part in parts})).values():
        end(waiting, ActionState.CANCELLED, now=now)  # for later; now it is wanted sooner
    batch = await wait_together(session, actor, module_id, [(part.kind, part.root) for part in parts])
    rows = [
        audit_row(
            actor, f"{part.kind.name}.queue_publication", part.kind.name, part.root.id, class_id=part.root.class_id,
            batch=batch,
        )
        for part in parts
    ]  # fmt: skip
    await record_all(session, rows)
