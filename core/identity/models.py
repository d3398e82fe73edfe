"""Tables: people, and who they are on each platform."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Entity, Identified, native_enum, unique_while_live
from core.enums import GlobalRole, LinkMethod, Platform


class AppUser(Entity, Base):
    """A person. `auth_user_id` is their Supabase Auth id, once verified.

    `raised_at` is when they last came to teach, or to administer: a link made before that does not do any more.
    `wants_reminders` is whether they are told before their work is due.
    """

    __tablename__ = "app_users"
    __table_args__ = (
        unique_while_live("uq_app_users_email", "email"),
        unique_while_live("uq_app_users_auth_user_id", "auth_user_id"),
    )

    email: Mapped[str] = mapped_column(CITEXT)
    name: Mapped[str]
    global_role: Mapped[GlobalRole] = mapped_column(
        native_enum(GlobalRole, "global_role"), server_default=GlobalRole.UNASSIGNED.value
    )
    auth_user_id: Mapped[UUID | None]
    raised_at: Mapped[datetime | None]
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    wants_reminders: Mapped[bool] = mapped_column(server_default=text("true"))


class Workspace(Entity, Base):
    """A Slack workspace or a Discord server. `installation` is its tokens, encrypted."""

    __tablename__ = "workspaces"
    __table_args__ = (unique_while_live("uq_workspaces_platform_external_id", "platform", "external_id"),)

    platform: Mapped[Platform] = mapped_column(native_enum(Platform, "platform"))
    external_id: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    installation: Mapped[bytes | None] = mapped_column(LargeBinary)
    email_trusted: Mapped[bool] = mapped_column(server_default=text("false"))
    revoked_at: Mapped[datetime | None]


class WorkspaceIdentity(Entity, Base):
    """A platform's user who is one of our people, and how we know; `class_id` is the class they chose here, if any."""

    __tablename__ = "workspace_identities"
    __table_args__ = (unique_while_live("uq_workspace_identities_platform_user", "workspace_id", "platform_user_id"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    platform_user_id: Mapped[str]
    app_user_id: Mapped[UUID] = mapped_column(ForeignKey("app_users.id"), index=True)
    method: Mapped[LinkMethod] = mapped_column(native_enum(LinkMethod, "link_method"))
    linked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    class_id: Mapped[UUID | None] = mapped_column(ForeignKey("classes.id"))


class LinkCode(Identified, Base):
    """A one-time code that ties a workspace user to a person; only its hash is kept."""

    __tablename__ = "link_codes"

    app_user_id: Mapped[UUID] = mapped_column(ForeignKey("app_users.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"))
