"""All tables. Importing this package makes the metadata complete, which is what Alembic needs."""

from decision_flow.models.catalogues import Catalogue, CatalogueItem, CatalogueStatus, Completion, LinkedRecord
from decision_flow.models.drafts import DraftVersion, Settled, StaleStep
from decision_flow.models.matters import (
    Matter,
    MatterStatus,
    NumberSeries,
    Task,
    TaskState,
    Timer,
    TimerKind,
    TimerState,
)
from decision_flow.models.office import MajorItem, OfficeSetting
from decision_flow.models.operations import CronSlot, Feedback, Hook, Node, Reminder, Substitution
from decision_flow.models.people import (
    Appointment,
    Organisation,
    Post,
    SignInSession,
    User,
)
from decision_flow.models.procedures import (
    DraftFile,
    DraftState,
    Procedure,
    ProcedureDraft,
    ProcedureFile,
    ProcedureVersion,
    VersionStatus,
)
from decision_flow.models.records import (
    Document,
    Evaluation,
    EvaluationStatus,
    Notification,
    NotificationState,
)
from decision_flow.models.trail import AuditEvent, AuditStream
from decision_flow.models.working_days import CalendarDay, LocalDay

__all__ = [
    "Appointment",
    "AuditEvent",
    "AuditStream",
    "CalendarDay",
    "Catalogue",
    "CatalogueItem",
    "CatalogueStatus",
    "Completion",
    "CronSlot",
    "Document",
    "DraftFile",
    "DraftState",
    "DraftVersion",
    "Evaluation",
    "EvaluationStatus",
    "Feedback",
    "Hook",
    "LinkedRecord",
    "LocalDay",
    "MajorItem",
    "Matter",
    "MatterStatus",
    "Node",
    "Notification",
    "NotificationState",
    "NumberSeries",
    "OfficeSetting",
    "Organisation",
    "Post",
    "Procedure",
    "ProcedureDraft",
    "ProcedureFile",
    "ProcedureVersion",
    "Reminder",
    "Settled",
    "SignInSession",
    "StaleStep",
    "Substitution",
    "Task",
    "TaskState",
    "Timer",
    "TimerKind",
    "TimerState",
    "User",
    "VersionStatus",
]
