"""A draft played by the real engine with pretended answers: nothing is stored, the whole play travels as a value.

The clock is the play's own: waiting moves it on to the next timer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from decision_flow import engine, policies
from decision_flow.engine import Compiled, Context, DueTimer, Element, OpenTask, Step
from decision_flow.errors import DecisionFlowError
from decision_flow.expressions import compile_expression
from decision_flow.forms import Field, Form

MAX_LOG = 400


@dataclass(frozen=True)
class Play:
    """Where a walk-through stands: the engine's state, what was passed, and who got what."""

    state: bytes
    at: datetime
    passed: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    timers: tuple[DueTimer, ...] = ()
    log: tuple[dict[str, str], ...] = ()
    finished: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the play as JSON values; `state` as hexadecimal."""
        timers = [[due.token, due.element.id, due.due_at.isoformat(), due.text] for due in self.timers]
        return {
            "state": self.state.hex(), "at": self.at.isoformat(), "passed": self.passed, "ends": self.ends,
            "timers": timers, "log": self.log, "finished": self.finished,
        }  # fmt: skip

    @staticmethod
    def of_json(told: Mapping[str, Any], compiled: Compiled) -> Play:
        """Return the play that `to_json` wrote, over the same compiled draft."""
        return Play(
            bytes.fromhex(told["state"]),
            datetime.fromisoformat(told["at"]),
            tuple(told["passed"]),
            tuple(told["ends"]),
            tuple(
                DueTimer(token, compiled.elements[element], datetime.fromisoformat(due), text)
                for token, element, due, text in told["timers"]
            ),
            tuple(told["log"]),
            told["finished"],
        )


@dataclass(frozen=True)
class Standing:
    """A task that waits in the play: who would get it and by when."""

    task: OpenTask
    role: str
    unit: str
    person: str
    due: Any
    values: Mapping[str, Any] = field(default_factory=dict)


def begin(compiled: Compiled, key: str, start_form: Form | None, answers: Mapping[str, Any], context: Context) -> Play:
    """Start the draft as a matter would start it. Raises `ProcedureFault`."""
    data: dict[str, Any] = {
        "matter": {
            "id": 1, "kind": key, "organ_id": 1, "organ_level": "township", "entry": "suggestion", "decision_id": None,
        },
        "policy": policies.numbers(policies.decree()),
    }  # fmt: skip
    if start_form is not None:
        data[start_form.key] = start_form.process_data(answers)
    step = engine.start(compiled, data, context)
    return _after(Play(b"", context.now), step, compiled)


def answer(
    compiled: Compiled, play: Play, token: str, form: Form | None, answers: Mapping[str, Any], context: Context
) -> Play:
    """Complete the task `token` with pretended answers. Raises `Conflict`, `ProcedureFault`."""
    element = next((task.element for task in engine.open_tasks(compiled, play.state) if task.token == token), None)
    data = {form.key: form.process_data(answers)} if form is not None else {}
    step = engine.complete(compiled, play.state, token, data, context)
    said = {"element": element.id, "role": element.roles[0] if element.roles else ""} if element else {}
    return _after(replace(play, log=(*play.log, said)[-MAX_LOG:]), step, compiled)


def wait(compiled: Compiled, play: Play, functions: Mapping[str, Any]) -> Play:
    """Move the play's clock to its next timer and let it go off; without one nothing changes."""
    if not play.timers:
        return play
    at = max(play.at, min(due.due_at for due in play.timers) + timedelta(seconds=1))
    step = engine.fire(compiled, play.state, Context(at, functions))
    said = {"timer": min(play.timers, key=lambda due: due.due_at).element.id, "at": at.isoformat()}
    return _after(replace(play, at=at, log=(*play.log, said)[-MAX_LOG:]), step, compiled)


def standing(compiled: Compiled, play: Play, functions: Mapping[str, Any]) -> tuple[Standing, ...]:
    """Return the tasks that wait, with who would get each and by when."""
    return tuple(_standing(task, functions) for task in engine.open_tasks(compiled, play.state))


def ends_of(compiled: Compiled) -> tuple[Element, ...]:
    """Return the end events of the main process: the outcomes a walk-through must have seen."""
    return tuple(
        element
        for element in compiled.elements.values()
        if element.kind == "endEvent" and element.process == compiled.main
    )


def _after(play: Play, step: Step, compiled: Compiled) -> Play:
    main = {element.id for element in ends_of(compiled)}
    passed = [entry.element_id for entry in step.passed]
    return replace(
        play,
        state=step.state,
        passed=tuple(dict.fromkeys((*play.passed, *passed))),
        ends=tuple(dict.fromkeys((*play.ends, *(name for name in passed if name in main)))),
        timers=step.timers,
        finished=step.finished,
    )


def _standing(task: OpenTask, functions: Mapping[str, Any]) -> Standing:
    names = dict(task.data)
    if task.item_name:
        names[task.item_name] = task.item

    def worked_out(key: str) -> Any:
        text = task.element.properties.get(key, "")
        if not text:
            return None
        try:
            return compile_expression(text).evaluate(names, functions)
        except DecisionFlowError as error:
            return str(error)

    unit, person = worked_out("unit"), worked_out("person")
    role = task.element.roles[0] if task.element.roles else ""
    return Standing(task, role, str(unit or ""), str(person or ""), worked_out("due"))


def pretended(form: Form, at: datetime) -> dict[str, Any]:
    """Return short answers to whatever `form` asks for, so that a walk-through need only change what matters."""
    return {
        field.name: _pretended(field, at)
        for field in form.fields
        if not field.auto
        and field.type not in ("file", "sign")
        and (field.required or field.min_rows or field.required_if)
    }


def _pretended(field: Field, at: datetime) -> Any:
    if field.type == "table":
        row = {
            column.name: _pretended(column, at)
            for column in field.columns
            if not column.auto and (column.required or column.required_if)
        }
        return [dict(row) for _ in range(max(1, field.min_rows))]
    if field.type == "multi":
        return [1] if field.ref else [field.values[0]]
    day = at.date().isoformat()
    values: dict[str, Any] = {
        "long": "试走用的说明文字。" * (1 + (field.min_length or 0) // 9),
        "text": "试走" * (1 + (field.min_length or 0) // 2),
        "int": field.min if field.min is not None else 1, "number": field.min if field.min is not None else 1,
        "money": str(field.min) if field.min is not None else "1000.00", "date": day, "datetime": f"{day}T09:00",
        "bool": False, "ref": 1,
    }  # fmt: skip
    return field.values[0] if field.type == "enum" else values[field.type]
