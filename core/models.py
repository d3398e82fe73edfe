"""Every table, imported once, so that the metadata is whole."""

from core.admin.models import AdminKnowledgeSettings, AdminModel, AdminModelBackend, AppConfig
from core.answering.models import Chat, ChatMessage, ChatMessageCitation
from core.assignments.models import Assignment, AssignmentRevision, AssignmentSubmission
from core.audit.models import AuditLog
from core.classes.models import ChannelBinding, Class, ClassMembership, ClassWorkspace
from core.content.models import LessonUnit, LessonUnitRevision, Module, ModuleRevision
from core.db import Base
from core.feedback.models import AnswerEndorsement, ChatMessageFeedback, Escalation, MessageReaction
from core.grading.models import AssignmentGradeRow
from core.identity.models import AppUser, LinkCode, Workspace, WorkspaceIdentity
from core.inbox.models import InboxEvent, MessageDelivery, Notification, ScheduledAction
from core.materials.models import LessonUnitMaterial, Material, MaterialChunk, MaterialRevision

__all__ = [
    "AdminKnowledgeSettings",
    "AdminModel",
    "AdminModelBackend",
    "AnswerEndorsement",
    "AppConfig",
    "AppUser",
    "Assignment",
    "AssignmentGradeRow",
    "AssignmentRevision",
    "AssignmentSubmission",
    "AuditLog",
    "Base",
    "ChannelBinding",
    "Chat",
    "ChatMessage",
    "ChatMessageCitation",
    "ChatMessageFeedback",
    "Class",
    "ClassMembership",
    "ClassWorkspace",
    "Escalation",
    "InboxEvent",
    "LessonUnit",
    "LessonUnitMaterial",
    "LessonUnitRevision",
    "LinkCode",
    "Material",
    "MaterialChunk",
    "MaterialRevision",
    "MessageDelivery",
    "MessageReaction",
    "Module",
    "ModuleRevision",
    "Notification",
    "ScheduledAction",
    "Workspace",
    "WorkspaceIdentity",
]
