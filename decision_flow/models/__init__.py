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
from decision_flow.models.office import MajorItem, OfficeSetting, PrintTemplate
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
from decision_flow.models.working_days import CalendarDay

__all__ = [
    "Appointment",
    "AuditEvent",
    "AuditStream",
    "CalendarDay",
    "Catalogue",
    "CatalogueItem",
    "CatalogueStatus",
    "Completion",
    "Document",
    "DraftFile",
    "DraftState",
    "DraftVersion",
    "Evaluation",
    "EvaluationStatus",
    "LinkedRecord",
    "MajorItem",
    "Matter",
    "MatterStatus",
    "Notification",
    "NotificationState",
    "NumberSeries",
    "OfficeSetting",
    "Organisation",
    "Post",
    "PrintTemplate",
    "Procedure",
    "ProcedureDraft",
    "ProcedureFile",
    "ProcedureVersion",
    "Settled",
    "SignInSession",
    "StaleStep",
    "Task",
    "TaskState",
    "Timer",
    "TimerKind",
    "TimerState",
    "User",
    "VersionStatus",
]
