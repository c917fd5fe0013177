"""(compiled, state, command) -> Step. Pure: a command that fails leaves the caller's state as it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import (
    SignalEventDefinition,
)
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import MultiInstanceTask
from SpiffWorkflow.bpmn.util.event import BpmnEvent
from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.util.task import TaskState

from decision_flow.engine import codec
from decision_flow.engine.data import (
    Compiled,
    Context,
    DueTimer,
    Element,
    OpenTask,
    Passed,
    Signal,
    Step,
)
from decision_flow.engine.environment import Evaluator
from decision_flow.engine.specs import DueEvent
from decision_flow.engine.workflow import Instance
from decision_flow.errors import N_, Conflict, ProcedureFault


def start(compiled: Compiled, data: Mapping[str, Any], context: Context) -> Step:
    """Begin a new instance with `data` and run it to its first rest. Raises `ProcedureFault`."""
    instance = Instance(compiled.plan, Evaluator(context))
    instance.task_tree.data.update(data)

    def act() -> None:
        instance.advance()

    return _step(compiled, instance, {}, act)


def complete(compiled: Compiled, state: bytes, token: str, data: Mapping[str, Any], context: Context) -> Step:
    """Complete the open task `token` with `data`, its submission under the form's key.

    An instance of a multi-instance hands its submission on as its output item. Timers that stand are left to `fire`:
    what one of them would lead to may be refused, and that is no affair of whoever completes a task. Raises `Conflict`
    when the task does not stand open, `ProcedureFault` when the procedure cannot go on.
    """
    instance = codec.load(compiled, state, Evaluator(replace(context, holds_timers=True)))
    before = _open(compiled, instance)
    task = _find(instance, token)
    if task is None or token not in before:
        raise Conflict(N_("该任务已经办结或撤回，请刷新后查看。"))

    def act() -> None:
        wrapper = task.parent.task_spec if task.parent is not None else None
        if isinstance(wrapper, MultiInstanceTask) and wrapper.task_spec == task.task_spec.name:
            submission = next(iter(data.values())) if len(data) == 1 else dict(data)
            wrapper.output_item.set(task, submission)
        else:
            task.data.update(data)
        instance.run(task)
        instance.advance()

    return _step(compiled, instance, before, act, completed=token)


def fire(compiled: Compiled, state: bytes, context: Context) -> Step:
    """Let the timers that are due at `context.now` go off; nothing due changes nothing."""
    instance = codec.load(compiled, state, Evaluator(context))
    return _step(compiled, instance, _open(compiled, instance), instance.advance)


def send(compiled: Compiled, state: bytes, name: str, payload: Mapping[str, Any], context: Context) -> Step:
    """Hand in a message or signal from outside. Raises `Conflict` when nothing waits for it."""
    instance = codec.load(compiled, state, Evaluator(replace(context, holds_timers=True)))
    waiting = [
        task
        for task in instance.event_manager.tasks.values()
        if isinstance(task.task_spec.event_definition, MessageEventDefinition | SignalEventDefinition)
        and task.task_spec.event_definition.name == name
    ]
    if not waiting:
        raise Conflict(N_("程序此刻不等待“%(name)s”。"), name=name)

    def act() -> None:
        definition = waiting[0].task_spec.event_definition
        instance.send_event(BpmnEvent(definition, payload=dict(payload)))
        instance.advance()

    return _step(compiled, instance, _open(compiled, instance), act)


def awaited(compiled: Compiled, state: bytes) -> frozenset[str]:
    """Return the names of the messages and signals that the instance waits for."""
    instance = codec.load(compiled, state, Evaluator(_NO_TIME))
    return frozenset(
        task.task_spec.event_definition.name
        for task in instance.event_manager.tasks.values()
        if isinstance(task.task_spec.event_definition, MessageEventDefinition | SignalEventDefinition)
    )


def cancel(compiled: Compiled, state: bytes, context: Context) -> Step:
    """End the instance where it stands; every open task and timer goes with it."""
    instance = codec.load(compiled, state, Evaluator(context))

    def act() -> None:
        for scope in sorted(instance.subprocesses.values(), key=lambda scope: -scope.depth):
            scope.cancel()
        instance.cancel()

    return _step(compiled, instance, _open(compiled, instance), act)


def open_tasks(compiled: Compiled, state: bytes) -> tuple[OpenTask, ...]:
    """Return the human tasks that stand open in `state`."""
    instance = codec.load(compiled, state, Evaluator(_NO_TIME))
    return tuple(_open(compiled, instance).values())


_NO_TIME = Context(now=datetime.fromisoformat("1970-01-01T00:00:00+00:00"))


def _step(
    compiled: Compiled,
    instance: Instance,
    before: Mapping[str, OpenTask],
    act: Callable[[], None],
    completed: str | None = None,
) -> Step:
    timers_before = _timers(compiled, instance)
    try:
        act()
    except ProcedureFault as fault:
        raise _labelled(fault, compiled) from fault.__cause__
    except SpiffWorkflowException as error:
        cause = error.__cause__ or getattr(error, "exception", None)
        if isinstance(cause, ProcedureFault):
            raise _labelled(cause, compiled) from error
        spec = getattr(error, "task_spec", None)
        raise ProcedureFault(
            N_("程序不能继续运行：%(reason)s 请联系程序管理人员。"),
            element=str(getattr(spec, "bpmn_id", "") or ""),
            reason=str(error),
        ) from error
    after = _open(compiled, instance)
    last = instance.last_task
    data = instance.data if instance.completed or last is None else last.data
    outcome = _outcome(compiled, instance.trace) if instance.completed else None
    timers = _timers(compiled, instance)
    signals = tuple(
        Signal(event.event_definition.name or "", type(event.event_definition).__name__)
        for event in instance.get_events()
    )
    if not (instance.completed or after or timers or _awaits_an_event(instance)):
        # Nothing checks the soundness of a diagram for us (trap 12): rather refuse the step than lose the matter.
        raise ProcedureFault(
            N_("程序走到了尽头：没有任务、期限或信号可以让事项继续。请联系程序管理人员。"),
            element=instance.trace[-1].element_id if instance.trace else "",
        )
    instance.compact()
    return Step(
        state=codec.dump(compiled, instance),
        opened=tuple(task for token, task in after.items() if token not in before),
        closed=tuple(token for token in before if token not in after and token != completed),
        passed=tuple(instance.trace),
        timers=timers,
        timers_changed=completed is None or timers != timers_before,
        calls=tuple(instance.calls),
        signals=signals,
        finished=bool(instance.completed),
        outcome=outcome,
        data=dict(data),
    )


def _labelled(fault: ProcedureFault, compiled: Compiled) -> ProcedureFault:
    """Let a fault that names its element name it as it is drawn, too."""
    element = compiled.elements.get(fault.element or "")
    if element is not None and element.name and "element" in fault.values:
        fault.values["element"] = f"{element.name}({element.id})"
    return fault


def _awaits_an_event(instance: Instance) -> bool:
    return any(task._state == TaskState.WAITING for task in instance.event_manager.tasks.values())


def _find(instance: Instance, token: str) -> Any:
    try:
        identity = UUID(hex=token)
    except ValueError:
        return None
    for scope in instance.scopes():
        if identity in scope.tasks:
            return scope.tasks[identity]
    return None


def _open(compiled: Compiled, instance: Instance) -> dict[str, OpenTask]:
    found: dict[str, OpenTask] = {}
    for scope in instance.scopes():
        for task in scope.tasks.values():
            if task._state == TaskState.READY and task.task_spec.manual:
                item_name = item = None
                parent = task.parent.task_spec if task.parent is not None else None
                if isinstance(parent, MultiInstanceTask) and parent.input_item is not None:
                    item_name = parent.input_item.bpmn_id
                    item = task.data.get(item_name)
                element = compiled.elements[task.task_spec.bpmn_id]
                found[task.id.hex] = OpenTask(task.id.hex, element, dict(task.data), item, item_name)
    return found


def _timers(compiled: Compiled, instance: Instance) -> tuple[DueTimer, ...]:
    found = []
    for task in instance.event_manager.tasks.values():
        definition = task.task_spec.event_definition
        value = task.internal_data.get("event_value")
        if isinstance(definition, DueEvent) and task._state == TaskState.WAITING and value:
            element: Element = compiled.elements[task.task_spec.bpmn_id]
            found.append(DueTimer(task.id.hex, element, datetime.fromisoformat(value), definition.expression))
    return tuple(sorted(found, key=lambda timer: timer.due_at))


def _outcome(compiled: Compiled, trace: list[Passed]) -> str | None:
    """Return the end event of the main process that was reached last."""
    ends = [
        passed.element_id
        for passed in trace
        if passed.kind == "endEvent" and compiled.elements[passed.element_id].process == compiled.main
    ]
    return ends[-1] if ends else None
