"""Tables: classes, who is in them, and where they meet."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, text
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Entity, native_enum, unique_while_live
from core.enums import ChannelPurpose, MembershipRole


class Class(Entity, Base):
    """A class. `language` names a PostgreSQL text-search configuration; `settings` holds what a teacher may switch."""

    __tablename__ = "classes"
    __table_args__ = (unique_while_live("uq_classes_code", "code"),)

    code: Mapped[str] = mapped_column(CITEXT)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str] = mapped_column(server_default="english")
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"))


class ClassMembership(Entity, Base):
    """An enrolment. Enrolling again revives the row."""

    __tablename__ = "class_memberships"
    __table_args__ = (unique_while_live("uq_class_memberships_class_user", "class_id", "app_user_id"),)

    class_id: Mapped[UUID] = mapped_column(ForeignKey("classes.id"))
    app_user_id: Mapped[UUID] = mapped_column(ForeignKey("app_users.id"), index=True)
    role: Mapped[MembershipRole] = mapped_column(native_enum(MembershipRole, "membership_role"))
    section: Mapped[str] = mapped_column(server_default="")
    lms_user_id: Mapped[str | None]
    sis_user_id: Mapped[str | None]
    login_id: Mapped[str | None]


class ClassWorkspace(Entity, Base):
    """A workspace that a class lives in."""

    __tablename__ = "class_workspaces"
    __table_args__ = (unique_while_live("uq_class_workspaces_class_workspace", "class_id", "workspace_id"),)

    class_id: Mapped[UUID] = mapped_column(ForeignKey("classes.id"))
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), index=True)


class ChannelBinding(Entity, Base):
    """A channel that stands for a class, or for one lesson of it, or where its teachers meet."""

    __tablename__ = "channel_bindings"
    __table_args__ = (unique_while_live("uq_channel_bindings_channel", "workspace_id", "channel_id"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    channel_id: Mapped[str]
    class_id: Mapped[UUID] = mapped_column(ForeignKey("classes.id"), index=True)
    lesson_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("lesson_units.id"))
    purpose: Mapped[ChannelPurpose] = mapped_column(
        native_enum(ChannelPurpose, "channel_purpose"), server_default=ChannelPurpose.CLASS.value
    )
