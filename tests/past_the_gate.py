"""For tests alone: procedures in force that no person could publish, to see what the rules still refuse under them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from decision_flow import enactment
from decision_flow.audit import SYSTEM
from decision_flow.models import ProcedureVersion
from decision_flow.procedures import ProcedureSource


def put_in_force(session: Session, source: ProcedureSource) -> ProcedureVersion:
    """Put `source` in force as it is, lawful or not, walked or not, and by nobody."""
    return enactment.enact(session, source, author=SYSTEM, publisher=SYSTEM)
