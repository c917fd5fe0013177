"""The one door to SpiffWorkflow: pure functions from a compiled procedure and a state to a step.

No database, no settings, no clock of its own. A state is bytes that only this package reads.
"""

from decision_flow.engine.compiling import compile
from decision_flow.engine.data import (
    Bundle,
    Call,
    Compiled,
    Context,
    DueTimer,
    Element,
    Finding,
    Flow,
    OpenTask,
    Passed,
    Signal,
    Step,
)
from decision_flow.engine.running import awaited, cancel, complete, fire, open_tasks, send, start

__all__ = [
    "Bundle",
    "Call",
    "Compiled",
    "Context",
    "DueTimer",
    "Element",
    "Finding",
    "Flow",
    "OpenTask",
    "Passed",
    "Signal",
    "Step",
    "awaited",
    "cancel",
    "compile",
    "complete",
    "fire",
    "open_tasks",
    "send",
    "start",
]
