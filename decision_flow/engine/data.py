"""The values that cross the engine's door: plain frozen data, nothing of SpiffWorkflow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from decision_flow.steps import StatutoryStep


@dataclass(frozen=True)
class Bundle:
    """The files of a procedure: main and called BPMN, decision tables, forms; `main` is a process id."""

    main: str
    bpmn: Mapping[str, bytes]
    dmn: Mapping[str, bytes] = field(default_factory=dict)
    forms: Mapping[str, bytes] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over the main process id and every file's kind, name and bytes."""
        total = hashlib.sha256(self.main.encode())
        for kind, files in (("bpmn", self.bpmn), ("dmn", self.dmn), ("form", self.forms)):
            for name in sorted(files):
                content = files[name]
                total.update(f"\0{kind}\0{name}\0{len(content)}\0".encode())
                total.update(content)
        return total.hexdigest()


@dataclass(frozen=True)
class Finding:
    """One reason why a procedure cannot be used: the rule, the element and a sentence."""

    rule: str
    element: str
    message: str
    severity: str = "error"


@dataclass(frozen=True)
class Element:
    """One element of a diagram with what our extensions say about it; `kind` is the BPMN tag."""

    id: str
    name: str
    kind: str
    process: str
    name_en: str = ""
    lane: str = ""
    step: StatutoryStep | None = None
    exempts: StatutoryStep | None = None
    form: str | None = None
    roles: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Flow:
    """One sequence flow."""

    id: str
    source: str
    target: str
    process: str


@dataclass(frozen=True)
class Compiled:
    """A bundle made ready to run. `plan` is the engine's own and not to be looked into."""

    digest: str
    main: str
    elements: Mapping[str, Element]
    flows: Mapping[str, Flow]
    processes: Mapping[str, tuple[str, ...]]
    plan: Any = field(repr=False, compare=False)


@dataclass(frozen=True)
class Context:
    """What the engine may know of the outside: the moment (aware, UTC) and named functions.

    With `holds_timers` no timer that stood before goes off, though it be due: that is the worker's to let happen.
    """

    now: datetime
    functions: Mapping[str, Any] = field(default_factory=dict)
    holds_timers: bool = False


@dataclass(frozen=True)
class OpenTask:
    """A human task that waits; `token` names it for as long as it stands."""

    token: str
    element: Element
    data: Mapping[str, Any]
    item: Any = None
    item_name: str | None = None


@dataclass(frozen=True)
class DueTimer:
    """A timer that stands; `due_at` is aware, UTC."""

    token: str
    element: Element
    due_at: datetime
    text: str


@dataclass(frozen=True)
class Passed:
    """An element or sequence flow that the step went through."""

    element_id: str
    kind: str
    token: str


@dataclass(frozen=True)
class Call:
    """A function of the product that a service task asks for."""

    name: str
    element: Element
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Signal:
    """A message, signal or escalation that nothing inside the process waits for."""

    name: str
    kind: str


@dataclass(frozen=True)
class Step:
    """What one command did: the new state, and everything that changed about the outside."""

    state: bytes
    opened: tuple[OpenTask, ...]
    closed: tuple[str, ...]
    passed: tuple[Passed, ...]
    timers: tuple[DueTimer, ...]
    timers_changed: bool
    calls: tuple[Call, ...]
    signals: tuple[Signal, ...]
    finished: bool
    outcome: str | None
    data: Mapping[str, Any]


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same when written: Python takes 1, 1.0 and True for equal."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return all(same(value, other[key]) for key, value in one.items())
    return not isinstance(one, list) or all(map(same, one, other))
