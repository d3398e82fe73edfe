"""Tables: materials with their revisions, their links to lessons, and the chunks that are searched and cited."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Computed, FetchedValue, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from core.content.revisions import Indexed, Root, revision_constraints, root_constraints
from core.db import Base, Bits, Entity, Identified, Vector, native_enum, unique_while_live
from core.enums import MaterialKind

DEFAULT_DIMENSION = 1536


class Material(Root, Base):
    """A file, or a question with a teacher's answer, that the class may cite."""

    __tablename__ = "materials"
    __table_args__ = root_constraints("materials", "material_revisions", "material_id")
    revision_table = "material_revisions"

    kind: Mapped[MaterialKind] = mapped_column(
        native_enum(MaterialKind, "material_kind"), server_default=MaterialKind.FILE.value
    )


class MaterialRevision(Indexed, Base):
    """One version of a material's file. The bytes lie in storage under `storage_key`."""

    __tablename__ = "material_revisions"
    __table_args__ = revision_constraints("material_revisions", "material_id")
    root_key = "material_id"
    content_columns = ("title", "storage_key", "filename", "media_type", "byte_size", "sha256")

    material_id: Mapped[UUID] = mapped_column(ForeignKey("materials.id"))
    storage_key: Mapped[str]
    filename: Mapped[str]
    media_type: Mapped[str]
    byte_size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)


class LessonUnitMaterial(Entity, Base):
    """A material's place in a lesson."""

    __tablename__ = "lesson_unit_materials"
    __table_args__ = (
        unique_while_live("uq_lesson_unit_materials_pair", "lesson_unit_id", "material_id"),
        Index("ix_lesson_unit_materials_material_id", "material_id", postgresql_where=text("deleted_at IS NULL")),
    )

    lesson_unit_id: Mapped[UUID] = mapped_column(ForeignKey("lesson_units.id"))
    material_id: Mapped[UUID] = mapped_column(ForeignKey("materials.id"))
    position: Mapped[int] = mapped_column(server_default="0")


class MaterialChunk(Identified, Base):
    """A passage of exactly one revision, immutable. `context` is the title and headings it stands under.

    Soft deletion does not apply: a chunk is as visible as the revision it belongs to, and old generations stay for
    the citations that point at them. `tsv` holds the stemmed words of context and text, and the class as one more
    lexeme, so that one GIN scan answers "these words, in this class"; `token_count` is the number of its words. A
    trigger (`index_chunk`) fills both: two generated columns would stem the text twice.
    """

    __tablename__ = "material_chunks"
    __table_args__ = (
        CheckConstraint("num_nonnulls(material_revision_id, lesson_unit_revision_id) = 1", name="one_owner"),
        # Covers the sign-bit search of a scope: it reads this index alone.
        Index(
            "uq_material_chunks_place",
            "revision_id",
            "generation",
            "ordinal",
            unique=True,
            postgresql_include=["id", "bits"],
        ),
        # Without the pending list, which every search would read through after an import.
        Index("ix_material_chunks_tsv", "tsv", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        Index(
            "ix_material_chunks_embedding",
            "embedding",
            postgresql_using="ivfflat",
            postgresql_ops={"embedding": "vector_cosine_ops"},
            postgresql_with={"lists": "100"},
        ),
    )

    class_id: Mapped[UUID] = mapped_column(ForeignKey("classes.id"))
    material_revision_id: Mapped[UUID | None] = mapped_column(ForeignKey("material_revisions.id"))
    lesson_unit_revision_id: Mapped[UUID | None] = mapped_column(ForeignKey("lesson_unit_revisions.id"))
    revision_id: Mapped[UUID] = mapped_column(
        Computed("coalesce(material_revision_id, lesson_unit_revision_id)", persisted=True)
    )
    generation: Mapped[int]
    ordinal: Mapped[int]
    # What ranking reads stands before the long columns, within a cache line or two of the row's head.
    token_count: Mapped[int] = mapped_column(server_default=FetchedValue())
    tsv: Mapped[Any] = mapped_column(TSVECTOR, server_default=FetchedValue())
    bits: Mapped[Any] = mapped_column(
        Bits(DEFAULT_DIMENSION),
        Computed(f"(binary_quantize(embedding))::bit({DEFAULT_DIMENSION})", persisted=True),
    )
    embedding: Mapped[Any] = mapped_column(Vector(DEFAULT_DIMENSION))
    language: Mapped[str]
    context: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    locator: Mapped[dict[str, Any]]
