"""Tables: modules and lessons, each a root with its revisions."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.content.revisions import Indexed, Revision, Root, revision_constraints, root_constraints
from core.db import Base


class Module(Root, Base):
    """A part of a class that holds lessons; while it is not published its lessons are hidden."""

    __tablename__ = "modules"
    __table_args__ = root_constraints("modules", "module_revisions", "module_id")
    revision_table = "module_revisions"


class ModuleRevision(Revision, Base):
    """What a module says: a title and a description in Markdown."""

    __tablename__ = "module_revisions"
    __table_args__ = revision_constraints("module_revisions", "module_id")
    root_key = "module_id"
    content_columns = ("title", "description")

    module_id: Mapped[UUID] = mapped_column(ForeignKey("modules.id"))
    description: Mapped[str] = mapped_column(server_default="")


class LessonUnit(Root, Base):
    """A lesson."""

    __tablename__ = "lesson_units"
    __table_args__ = root_constraints("lesson_units", "lesson_unit_revisions", "lesson_unit_id")
    revision_table = "lesson_unit_revisions"

    module_id: Mapped[UUID] = mapped_column(ForeignKey("modules.id"), index=True)


class LessonUnitRevision(Indexed, Base):
    """What a lesson says: a title and a text in Markdown, which is searched and cited like a material."""

    __tablename__ = "lesson_unit_revisions"
    __table_args__ = revision_constraints("lesson_unit_revisions", "lesson_unit_id")
    root_key = "lesson_unit_id"
    content_columns = ("title", "body")

    lesson_unit_id: Mapped[UUID] = mapped_column(ForeignKey("lesson_units.id"))
    body: Mapped[str] = mapped_column(server_default="")
