"""Tables: settings, model backends and models, and how knowledge is cut, embedded and searched."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Entity, native_enum, unique_while_live
from core.enums import BackendKind, ModelPurpose


class AppConfig(Entity, Base):
    """One typed setting that an admin changed."""

    __tablename__ = "app_config"
    __table_args__ = (unique_while_live("uq_app_config_key", "key"),)

    key: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"))


class AdminModelBackend(Entity, Base):
    """Where models are served; its key is encrypted and never shown again."""

    __tablename__ = "admin_model_backends"
    __table_args__ = (unique_while_live("uq_admin_model_backends_name", "name"),)

    name: Mapped[str]
    kind: Mapped[BackendKind] = mapped_column(native_enum(BackendKind, "backend_kind"))
    base_url: Mapped[str | None]
    provider: Mapped[str | None]
    api_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))


class AdminModel(Entity, Base):
    """A model of a backend. Chat models are tried in the order of `priority`, smallest first."""

    __tablename__ = "admin_models"
    __table_args__ = (unique_while_live("uq_admin_models_name", "backend_id", "purpose", "name"),)

    backend_id: Mapped[UUID] = mapped_column(ForeignKey("admin_model_backends.id"))
    purpose: Mapped[ModelPurpose] = mapped_column(native_enum(ModelPurpose, "model_purpose"))
    name: Mapped[str]
    priority: Mapped[int] = mapped_column(server_default="100")
    dimension: Mapped[int | None]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))


class AdminKnowledgeSettings(Entity, Base):
    """The one row that says how text is cut, embedded and searched. Sizes are in characters."""

    __tablename__ = "admin_knowledge_settings"
    __table_args__ = (
        Index(
            "uq_admin_knowledge_settings_one", text("(true)"), unique=True, postgresql_where=text("deleted_at IS NULL")
        ),
        CheckConstraint("chunk_size BETWEEN 200 AND 20000", name="chunk_size_sane"),
        CheckConstraint("chunk_overlap >= 0 AND chunk_overlap < chunk_size", name="chunk_overlap_sane"),
        CheckConstraint("top_k BETWEEN 1 AND 50", name="top_k_sane"),
    )

    embedding_model: Mapped[str]
    embedding_dimension: Mapped[int]
    chunk_size: Mapped[int] = mapped_column(server_default="1000")
    chunk_overlap: Mapped[int] = mapped_column(server_default="150")
    top_k: Mapped[int] = mapped_column(server_default="8")
    minimum_similarity: Mapped[float] = mapped_column(server_default="0.2")
    lexical_weight: Mapped[float] = mapped_column(server_default="1")
    vector_weight: Mapped[float] = mapped_column(server_default="2")
    rerank_candidates: Mapped[int] = mapped_column(server_default="200")
    ivfflat_lists: Mapped[int] = mapped_column(server_default="100")
    ivfflat_probes: Mapped[int] = mapped_column(server_default="10")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"))
