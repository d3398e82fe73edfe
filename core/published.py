"""The `published_…` views as student-facing code sees them: there is nothing else it may read."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, MetaData, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ENUM

from core.enums import AiPolicy, GradeStatus, MaterialKind

views = MetaData()

published_modules = Table(
    "published_modules",
    views,
    Column("id", Uuid),
    Column("class_id", Uuid),
    Column("position", Integer),
    Column("title", Text),
    Column("description", Text),
    Column("published_at", DateTime(timezone=True)),
)
published_lesson_units = Table(
    "published_lesson_units",
    views,
    Column("id", Uuid),
    Column("class_id", Uuid),
    Column("module_id", Uuid),
    Column("module_position", Integer),
    Column("position", Integer),
    Column("title", Text),
    Column("body", Text),
    Column("published_at", DateTime(timezone=True)),
)
published_materials = Table(
    "published_materials",
    views,
    Column("id", Uuid),
    Column("class_id", Uuid),
    Column("kind", ENUM(MaterialKind, name="material_kind", create_type=False)),
    Column("position", Integer),
    Column("title", Text),
    Column("filename", Text),
    Column("page_count", Integer),
    Column("published_at", DateTime(timezone=True)),
)
published_lesson_unit_materials = Table(
    "published_lesson_unit_materials",
    views,
    Column("lesson_unit_id", Uuid),
    Column("material_id", Uuid),
    Column("position", Integer),
)
published_assignments = Table(
    "published_assignments",
    views,
    Column("id", Uuid),
    Column("class_id", Uuid),
    Column("module_id", Uuid),
    Column("lesson_unit_id", Uuid),
    Column("position", Integer),
    Column("title", Text),
    Column("instructions", Text),
    Column("points", Numeric(9, 2)),
    Column("opens_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True)),
    Column("closes_at", DateTime(timezone=True)),
    Column("ai_policy", ENUM(AiPolicy, name="ai_policy", create_type=False)),
)
published_grades = Table(
    "published_grades",
    views,
    Column("id", Uuid),
    Column("class_id", Uuid),
    Column("assignment_id", Uuid),
    Column("student_user_id", Uuid),
    Column("score", Numeric(9, 2)),
    Column("status", ENUM(GradeStatus, name="grade_status", create_type=False)),
    Column("feedback", Text),
    Column("points", Numeric(9, 2)),
    Column("weight", Numeric(9, 4)),
    Column("released_at", DateTime(timezone=True)),
)
published_extensions = Table(
    "published_extensions",
    views,
    Column("class_id", Uuid),
    Column("assignment_id", Uuid),
    Column("student_user_id", Uuid),
    Column("due_at", DateTime(timezone=True)),
)
