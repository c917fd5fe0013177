"""Our kinds of task specification: where SpiffWorkflow's own would be wrong, unsafe or slow.

Each class says which trap it answers. They are chosen by the parser in `compiling.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn.specs.control import _EndJoin
from SpiffWorkflow.bpmn.specs.data_spec import TaskDataReference
from SpiffWorkflow.bpmn.specs.defaults import (
    ExclusiveGateway,
    InclusiveGateway,
    ParallelGateway,
    ParallelMultiInstanceTask,
    SequentialMultiInstanceTask,
)
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import MultiInstanceTask
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.util.task import TaskState

from decision_flow.engine.data import Call, same
from decision_flow.engine.decisions import DecisionTable
from decision_flow.engine.moments import is_literal, moment
from decision_flow.errors import N_, ProcedureFault, Text
from decision_flow.expressions import ExpressionError

LIVE = TaskState.READY | TaskState.WAITING | TaskState.STARTED


def forecast_one_step_only(task_spec: Any) -> None:
    """Let `task_spec` forecast its direct successors and nothing behind them.

    The library forecasts the whole way to the end, recursively: a long process would overflow the stack,
    and every state would carry the whole procedure.
    """
    update = task_spec._update

    def _predict(my_task: Any, seen: Any = None, looked_ahead: int = 0, mask: int = TaskState.PREDICTED_MASK) -> None:
        if my_task.has_state(mask):
            task_spec._predict_hook(my_task)

    def _update(my_task: Any) -> None:
        if not my_task._children and not my_task.has_state(TaskState.FINISHED_MASK):
            task_spec._predict_hook(my_task)
        update(my_task)

    task_spec._predict = _predict
    task_spec._update = _update


class Join(UnstructuredJoin):  # type: ignore[misc]
    """A join that counts tokens over a flat list of tasks and merges what each branch changed.

    A token that has come in waits as a task of its own until one of them goes on for all it takes along.
    What was taken along once never counts again, so a later round, or a second token on its way through
    the same branches, begins to count from nothing (trap 14).
    """

    def waiting(self, my_task: Any) -> list[Any]:
        """Return the tokens that have come in and not gone on, `my_task` among them, the earliest first."""
        tokens = [
            task
            for task in my_task.workflow.tasks.values()
            if task.task_spec is self
            and (task is my_task or task._state == TaskState.WAITING)
            and task.parent is not None
            and task.parent.state == TaskState.COMPLETED
        ]
        return sorted(tokens, key=_came_in)

    def taken(self, my_task: Any) -> list[Any]:
        """Return the tokens that go on as one now, or nothing while the join must wait."""
        return self.waiting(my_task)

    def _update_hook(self, my_task: Any) -> bool:
        tokens = self.taken(my_task)
        if my_task not in tokens:
            my_task._set_state(TaskState.WAITING)
            return False
        my_task.internal_data["taken"] = [token.id.hex for token in tokens]
        for token in tokens:
            if token is not my_task:
                token.cancel()
        my_task._inherit_data()
        return True

    def _run_hook(self, my_task: Any) -> bool:
        # The library merges nested values of the branches into one another, in place. A branch's word
        # on a name counts only if the branch changed it, and then as a whole.
        tasks = my_task.workflow.tasks
        tokens = [tasks[UUID(hex=token)] for token in my_task.internal_data.pop("taken")]
        base = _common_data(my_task, tokens)
        merged = dict(base)
        for token in tokens:
            for name, value in token.parent.data.items():
                if name not in base or not same(base[name], value):
                    merged[name] = value
        my_task.data = merged
        return True


def _came_in(token: Any) -> float:
    return float(token.parent.last_state_change)


def _common_data(my_task: Any, arrived: list[Any]) -> dict[str, Any]:
    """Return the data as it was where the branches parted: at the nearest common ancestor."""
    common: list[Any] | None = None
    for task in arrived:
        line, parent = [], task.parent
        while parent is not None:
            line.append(parent)
            parent = parent.parent
        common = line if common is None else [ancestor for ancestor in common if ancestor in line]
    if not common or len(arrived) < 2:
        return dict(my_task.parent.data)
    return dict(common[0].data)


class Choice(ExclusiveGateway):  # type: ignore[misc]
    """An exclusive gateway that says in our words when no way leads on; the library has a sentence of its own."""

    def _run_hook(self, my_task: Any) -> bool:
        if self.default_task_spec is None and not any(
            condition is not None and condition._matches(my_task) for condition, _ in self.cond_task_specs
        ):
            raise ProcedureFault(N_("排他网关“%(element)s”没有一条连线的条件成立。"), element=self.name)
        return bool(super()._run_hook(my_task))


class ParallelJoin(Join, ParallelGateway):  # type: ignore[misc]
    """Opens when every incoming flow has brought a token, and takes exactly one from each."""

    def taken(self, my_task: Any) -> list[Any]:
        first: dict[str, Any] = {}
        for token in self.waiting(my_task):
            first.setdefault(token.parent.task_spec.name, token)
        return list(first.values()) if all(name in first for name in self._inputs) else []

    def _run_hook(self, my_task: Any) -> bool:
        return Join._run_hook(self, my_task)


class InclusiveJoin(Join, InclusiveGateway):  # type: ignore[misc]
    """Opens when no other token in the scope can still reach it (BPMN 2.0, section 13.4.3).

    With a single incoming flow it joins nothing: each token goes on by itself.
    """

    reaching: frozenset[str] = frozenset()

    def taken(self, my_task: Any) -> list[Any]:
        if len(self._inputs) == 1:
            return [my_task]
        awaited = any(
            task.task_spec is not self
            and task.task_spec.name in self.reaching
            and (task.has_state(LIVE) or _about_to_start(task))
            for task in my_task.workflow.tasks.values()
        )
        return [] if awaited else self.waiting(my_task)

    def _run_hook(self, my_task: Any) -> bool:
        Join._run_hook(self, my_task)
        matches, defaults = self._get_matching_outputs(my_task)
        if not matches + defaults:
            raise ProcedureFault(N_("包容网关“%(element)s”没有一条连线的条件成立。"), element=self.name)
        my_task._sync_children(matches or defaults, TaskState.FUTURE)
        for child in my_task.children:
            child.task_spec._predict(child, mask=TaskState.FUTURE | TaskState.PREDICTED_MASK)
        return True


def _about_to_start(task: Any) -> bool:
    """A task whose predecessor has completed, but whose own turn in this very step is still to come."""
    return bool(task.state == TaskState.FUTURE and task.parent is not None and task.parent.state == TaskState.COMPLETED)


class EndJoin(Join, _EndJoin):  # type: ignore[misc]
    """The end of a scope: waits for every token in it, found in one flat pass (depth limit of 1,000)."""

    def taken(self, my_task: Any) -> list[Any]:
        awaited = any(
            task is not my_task and task.task_spec is not self and (task.has_state(LIVE) or _about_to_start(task))
            for task in my_task.workflow.tasks.values()
        )
        return [] if awaited else self.waiting(my_task)

    def _run_hook(self, my_task: Any) -> bool:
        Join._run_hook(self, my_task)
        my_task.workflow.data.update(my_task.data)
        return True


class Path(TaskDataReference):  # type: ignore[misc]
    """A name or dotted path into task data: `F04.consulted_units`. Written at its top level only."""

    def get(self, my_task: Any) -> Any:
        value: Any = my_task.data
        for part in self.bpmn_id.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def exists(self, my_task: Any) -> bool:
        return self.get(my_task) is not None


class _FreshRounds(MultiInstanceTask):  # type: ignore[misc]
    """Multi-instance over a list, entered afresh each round: its result list starts empty.

    The library would refuse a second round, because the names of the first still stand in the data.
    """

    def _begin(self, my_task: Any) -> list[Any]:
        my_task._inherit_data()
        for reference in (self.data_output, self.input_item, self.output_item):
            if reference is not None:
                my_task.data.pop(reference.bpmn_id, None)
        items = self.data_input.get(my_task)
        if items is None and self.data_input.bpmn_id.partition(".")[0] not in my_task.data:
            # A form that nobody filled in yet is a wrong name; one that names nobody is an empty list.
            raise ProcedureFault(
                N_("多实例“%(element)s”的列表 %(expression)s 还不存在，请核对名称。"),
                element=self.bpmn_id,
                expression=self.data_input.bpmn_id,
            )
        if items is not None and not isinstance(items, list):
            raise ProcedureFault(
                N_("多实例“%(element)s”需要一个列表。"),
                element=self.bpmn_id,
                expression=self.data_input.bpmn_id,
            )
        my_task.internal_data["merged"] = []
        self.data_output.set(my_task, [])
        # Nobody named is an empty list and no fault: there is simply no instance.
        return items or []

    def merge_child(self, workflow: Any, child: Any) -> None:
        if not self.output_item.exists(child):
            # An instance that names no answer hands its item on as it left it.
            self.output_item.set(child, self.input_item.get(child))
        super().merge_child(workflow, child)


class ParallelInstances(_FreshRounds, ParallelMultiInstanceTask):  # type: ignore[misc]
    """All instances at once."""

    def _update_hook(self, my_task: Any) -> bool | None:
        items = self._begin(my_task)
        for number, item in enumerate(items):
            self.create_child(my_task, item, number)
        if items and not self.children_complete(my_task):
            my_task._set_state(TaskState.STARTED)
            return None
        return True


class SequentialInstances(_FreshRounds, SequentialMultiInstanceTask):  # type: ignore[misc]
    """One instance after the other."""

    def _update_hook(self, my_task: Any) -> bool | None:
        items = self._begin(my_task)
        my_task.internal_data["remaining"] = list(range(len(items)))
        if not items:
            return True
        self.add_next_child(my_task)
        my_task._set_state(TaskState.STARTED)
        return None


class DecisionTask(BpmnSpecMixin):  # type: ignore[misc]
    """A business rule task: asks its table and puts the answer under the result variable."""

    table: DecisionTable
    variable: str

    def _run_hook(self, my_task: Any) -> bool:
        functions = my_task.workflow.script_engine.context.functions
        try:
            my_task.data[self.variable] = self.table.decide(my_task.data, functions)
        except ExpressionError as error:
            raise ProcedureFault(
                N_("决策表“%(table)s”不能判定：%(reason)s"),
                element=self.name,
                table=self.table.id,
                reason=Text.of(error.message, error.values),
            ) from error
        return True


class CallTask(BpmnSpecMixin):  # type: ignore[misc]
    """A service task: asks the product for an effect and goes on."""

    topic: str

    def _run_hook(self, my_task: Any) -> bool:
        top = my_task.workflow.top_workflow
        top.calls.append(Call(self.topic, top.elements[self.bpmn_id], dict(my_task.data)))
        return True


class DueEvent(TimerEventDefinition):  # type: ignore[misc]
    """A timer whose moment is worked out once, when it is reached, and compared with the command's clock."""

    def has_fired(self, my_task: Any) -> bool:
        context = my_task.workflow.script_engine.context
        value = my_task._get_internal_data("event_value")
        if value is not None and context.holds_timers:
            return bool(my_task._get_internal_data("event_fired", False))
        if value is None:
            value = self._moment(my_task, context.now).isoformat()
            my_task._set_internal_data(event_value=value)
        if datetime.fromisoformat(value) <= context.now:
            my_task._set_internal_data(event_fired=True)
        return bool(my_task._get_internal_data("event_fired", False))

    def _moment(self, my_task: Any, now: datetime) -> datetime:
        text = self.expression.strip()
        value: Any = text
        if not is_literal(text):
            value = my_task.workflow.script_engine.evaluate(my_task, text)
        try:
            return moment(value, now)
        except (TypeError, ValueError, OverflowError) as error:
            raise ProcedureFault(
                N_("定时器“%(element)s”没有得出日期：%(text)s"), element=self.name, expression=text, text=text
            ) from error
