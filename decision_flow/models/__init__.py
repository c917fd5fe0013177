"""All tables. Importing this package makes the metadata complete, which is what Alembic needs."""

from decision_flow.models.catalogues import Catalogue, CatalogueItem, CatalogueStatus, Completion, LinkedRecord
from decision_flow.models.drafts import DraftVersion, Settled, StaleStep
from decision_flow.models.exceptions import ExceptionKind, ExceptionRecord, ExceptionState
from decision_flow.models.late import LateEntry
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
from decision_flow.models.operations import CronSlot, Feedback, Hook, Node, Reminder, Substitution
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
from decision_flow.models.policies import PolicyState, PolicyVersion
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
from decision_flow.models.trail import AuditEvent, AuditStream, TrailCheckpoint, TrailMention
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
    "ExceptionKind",
    "ExceptionRecord",
    "ExceptionState",
    "Feedback",
    "HearingDraw",
    "Hook",
    "Institution",
    "InterestedParty",
    "LateEntry",
    "LinkedRecord",
    "LocalDay",
    "MajorItem",
    "Matter",
    "MatterStatus",
    "Node",
    "Notice",
    "NoticeKind",
    "NoticeState",
    "Notification",
    "NotificationState",
    "NumberSeries",
    "OfficeSetting",
    "Opinion",
    "Organisation",
    "PolicyState",
    "PolicyVersion",
    "Post",
    "PrintTemplate",
    "Procedure",
    "ProcedureDraft",
    "ProcedureFile",
    "ProcedureVersion",
    "RateCount",
    "Reminder",
    "Settled",
    "SignInSession",
    "StaleStep",
    "Standing",
    "StandingChange",
    "Substitution",
    "Task",
    "TaskState",
    "Timer",
    "TimerKind",
    "TimerState",
    "TrailCheckpoint",
    "TrailMention",
    "User",
    "VersionStatus",
]
