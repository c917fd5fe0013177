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
from decision_flow.models.participation import (
    Disposition,
    Enrolment,
    HearingDraw,
    Notice,
    NoticeKind,
    NoticeState,
    Opinion,
    RateCount,
)
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
from decision_flow.models.registries import (
    Expert,
    ExpertRating,
    Institution,
    InterestedParty,
    Standing,
    StandingChange,
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
    "Disposition",
    "Document",
    "DraftFile",
    "DraftState",
    "DraftVersion",
    "Enrolment",
    "Evaluation",
    "EvaluationStatus",
    "Expert",
    "ExpertRating",
    "HearingDraw",
    "Institution",
    "InterestedParty",
    "LinkedRecord",
    "MajorItem",
    "Matter",
    "MatterStatus",
    "Notice",
    "NoticeKind",
    "NoticeState",
    "Notification",
    "NotificationState",
    "NumberSeries",
    "OfficeSetting",
    "Opinion",
    "Organisation",
    "Post",
    "Procedure",
    "ProcedureDraft",
    "ProcedureFile",
    "ProcedureVersion",
    "RateCount",
    "Settled",
    "SignInSession",
    "StaleStep",
    "Standing",
    "StandingChange",
    "Task",
    "TaskState",
    "Timer",
    "TimerKind",
    "TimerState",
    "User",
    "VersionStatus",
]
