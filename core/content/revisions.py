"""Root + revision (principle 1): what modules, lessons, materials and assignments have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from core.db import Entity, native_enum, unique_while_live
from core.enums import ProcessingStatus, VisibilityState


class Root(Entity):
    """What a thing is for ever: its class, its place, who made it, and which revision students see.

    `published_revision_id` is null while students see nothing. `import_source` and `external_id` remember where a
    course import found it, so that importing again updates it.
    """

    revision_table: ClassVar[str]

    position: Mapped[int] = mapped_column(server_default="0")
    import_source: Mapped[str | None]
    external_id: Mapped[str | None]
    published_revision_id: Mapped[UUID | None]

    @declared_attr
    @classmethod
    def class_id(cls) -> Mapped[UUID]:
        """Belong to a class; a root never moves to another."""
        return mapped_column(ForeignKey("classes.id"), index=True)

    @declared_attr
    @classmethod
    def created_by_user_id(cls) -> Mapped[UUID | None]:
        """Who made it; null for the command line."""
        return mapped_column(ForeignKey("app_users.id"))


def root_constraints(table: str, revision_table: str, own_key: str, *more: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Return a root table's constraints: the pointer leads to a revision of this very root."""
    return (
        ForeignKeyConstraint(
            ["id", "published_revision_id"],
            [f"{revision_table}.{own_key}", f"{revision_table}.id"],
            name=f"fk_{table}_published_revision",
            use_alter=True,
        ),
        unique_while_live(
            f"uq_{table}_external_id", "class_id", "import_source", "external_id", where="external_id IS NOT NULL"
        ),
        *more,
    )


class Revision(Entity):
    """What a thing says at one time. A DRAFT changes (counting `version`), a PUBLISHED one never does."""

    root_key: ClassVar[str]
    # What a person writes, in other words what reverting copies and what the trigger protects.
    content_columns: ClassVar[tuple[str, ...]]

    revision_number: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="1")
    title: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    published_at: Mapped[datetime | None]

    @declared_attr
    @classmethod
    def visibility_state(cls) -> Mapped[VisibilityState]:
        """DRAFT or PUBLISHED."""
        return mapped_column(
            native_enum(VisibilityState, "visibility_state"), server_default=VisibilityState.DRAFT.value
        )

    @declared_attr
    @classmethod
    def created_by_user_id(cls) -> Mapped[UUID | None]:
        """Who began this revision; null for the command line."""
        return mapped_column(ForeignKey("app_users.id"))

    @declared_attr
    @classmethod
    def updated_by_user_id(cls) -> Mapped[UUID | None]:
        """Who edited this draft last: an import never overwrites a person's draft."""
        return mapped_column(ForeignKey("app_users.id"))


def revision_constraints(table: str, root_key: str, *more: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Return a revision table's constraints: numbers never reused, at most one draft a root."""
    return (
        UniqueConstraint(root_key, "revision_number", name=f"uq_{table}_revision_number"),
        UniqueConstraint(root_key, "id", name=f"uq_{table}_root_and_id"),
        Index(
            f"uq_{table}_one_draft",
            root_key,
            unique=True,
            postgresql_where=text("visibility_state = 'DRAFT' AND deleted_at IS NULL"),
        ),
        CheckConstraint("title <> ''", name="title_given"),
        *more,
    )


class Indexed(Revision):
    """A revision whose text is searched: how far processing is, and which generation of chunks is the live one.

    `chunk_count` and `token_count` describe the live generation; BM25 reads its collection statistics from them.
    """

    failure_code: Mapped[str | None]
    failure_reason: Mapped[str | None]
    page_count: Mapped[int | None]
    chunk_generation: Mapped[int] = mapped_column(server_default="0")
    chunk_count: Mapped[int] = mapped_column(server_default="0")
    token_count: Mapped[int] = mapped_column(server_default="0")

    @declared_attr
    @classmethod
    def processing_status(cls) -> Mapped[ProcessingStatus]:
        """PENDING until a worker takes it, then PROCESSING, then READY or FAILED with a reason."""
        return mapped_column(
            native_enum(ProcessingStatus, "processing_status"), server_default=ProcessingStatus.PENDING.value
        )
