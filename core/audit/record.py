"""Who acts, and the one audit row that every mutation leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.enums import ActorKind


@dataclass(frozen=True, slots=True)
class Actor:
    """Who causes a change, through which surface, in which request."""

    kind: ActorKind
    surface: str
    user_id: UUID | None = None
    request_id: UUID = field(default_factory=uuid4)

    @property
    def operates(self) -> bool:
        """Whether this is the system itself, or the operator at the command line, for whom no role is asked."""
        return self.kind is not ActorKind.PERSON

    @classmethod
    def person(cls, user_id: UUID, surface: str) -> Actor:
        """Return a person acting through a surface."""
        return cls(ActorKind.PERSON, surface, user_id)

    @classmethod
    def command_line(cls) -> Actor:
        """Return the operator at the command line."""
        return cls(ActorKind.COMMAND_LINE, "command line")

    @classmethod
    def system(cls, surface: str = "worker") -> Actor:
        """Return the system itself, for jobs and schedules."""
        return cls(ActorKind.SYSTEM, surface)


def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    entity_type: str,
    entity_id: UUID,
    *,
    class_id: UUID | None = None,
    **details: object,
) -> None:
    """Add one audit row to the session's transaction. `details` are ids, states and grade values, never prose."""
    session.add(AuditLog(**audit_row(actor, action, entity_type, entity_id, class_id=class_id, **details)))


async def record_all(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Add audit rows, as `audit_row` returns them, in one statement."""
    if rows:
        await session.execute(insert(AuditLog), rows)


def audit_row(
    actor: Actor, action: str, entity_type: str, entity_id: UUID, *, class_id: UUID | None = None, **details: object
) -> dict[str, Any]:
    """Return the same as columns, for `insert(AuditLog)` of many at once."""
    return {
        "actor_kind": actor.kind,
        "actor_user_id": actor.user_id,
        "surface": actor.surface,
        "request_id": actor.request_id,
        "action": action,
        "entity_type": entity_type,
        "entity_id": entity_id,
        "class_id": class_id,
        "details": {key: str(value) if isinstance(value, UUID) else value for key, value in details.items()},
    }
