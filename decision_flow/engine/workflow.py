"""A running instance over flat lists of tasks.

The library walks the whole task tree after each completed task, so an instance's life is quadratic, and its
walk stops at depth 1,000 without a word. Here every pass is over a flat dictionary, and `compact` drops
finished branches once nothing waits for them, so that neither cost nor size grows with the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from decision_flow.engine.compiling import Plan
from decision_flow.engine.data import Call, Passed
from decision_flow.engine.environment import Evaluator
from decision_flow.engine.specs import LIVE, Join
from decision_flow.errors import N_, ProcedureFault

FINISHED = TaskState.FINISHED_MASK
# A diagram can go in circles that no person or timer stands in the way of.
MAX_PASSED = 5_000
AHEAD = TaskState.MAYBE | TaskState.LIKELY | TaskState.FUTURE


class _Flat:
    """What main and sub-workflows share: flat passes instead of walks over the tree."""

    tasks: dict[Any, Any]

    def update_waiting_tasks(self) -> None:
        for task in [task for task in self.tasks.values() if task._state == TaskState.WAITING]:
            if task._state == TaskState.WAITING:
                task.task_spec._update(task)


class SubInstance(_Flat, BpmnSubWorkflow):  # type: ignore[misc]
    """A called process or embedded sub-process."""


class Instance(_Flat, BpmnWorkflow):  # type: ignore[misc]
    """The main process of a matter during one command."""

    def __init__(self, plan: Plan, evaluator: Evaluator, *, restoring: bool = False) -> None:
        self.calls: list[Call] = []
        self.trace: list[Passed] = []
        self.plan = plan
        self.elements = plan.elements
        super().__init__(plan.main, plan.called, script_engine=evaluator, deserializing=restoring)

    def create_subprocess(self, my_task: Any, spec_name: str) -> SubInstance:
        instance = SubInstance(self.subprocess_specs[spec_name], parent_task_id=my_task.id, top_workflow=self)
        self.subprocesses[my_task.id] = instance
        return instance

    def scopes(self) -> Iterator[Any]:
        """Yield the main process and every sub-process that still runs."""
        yield self
        yield from list(self.subprocesses.values())

    def advance(self) -> None:
        """Run everything that needs no human, until only people and time are waited for.

        Raises `ProcedureFault` when that never comes.
        """
        self.refresh_timers()
        passed = 0
        while ready := self._ready():
            for task in ready:
                if task._state == TaskState.READY:
                    self.run(task)
                    passed += 1
                if passed > MAX_PASSED:
                    raise ProcedureFault(
                        N_("程序在“%(element)s”处不停地自动循环，没有任务或期限让它停下。请联系程序管理人员。"),
                        element=str(task.task_spec.bpmn_id or ""),
                    )
            self.refresh_timers()

    def _ready(self) -> list[Any]:
        return [
            task
            for scope in self.scopes()
            for task in scope.tasks.values()
            if task._state == TaskState.READY and not task.task_spec.manual
        ]

    def run(self, task: Any) -> None:
        """Run one ready task and note what it passed."""
        task.run()
        spec = task.task_spec
        if task._state != TaskState.COMPLETED:
            return
        source = spec.bpmn_id
        if isinstance(spec, BoundaryEventJoin):
            source = spec.name.removesuffix(".BoundaryEventJoin")
        if spec.bpmn_id in self.elements and "[child]" not in spec.name:
            element = self.elements[spec.bpmn_id]
            self.trace.append(Passed(element.id, element.kind, task.id.hex))
        for child in task.children:
            if child._state & (TaskState.MAYBE | TaskState.LIKELY):
                continue
            target = child.task_spec.name.removesuffix(".BoundaryEventSplit")
            if flow := self.plan.flows.get((source, target)):
                self.trace.append(Passed(flow, "sequenceFlow", task.id.hex))

    def compact(self) -> None:
        """Forget finished sub-processes and finished branches that nothing waits for any more."""
        for identity, _ in sorted(self.subprocesses.items(), key=lambda entry: entry[1].depth):
            standing = [scope.tasks[identity] for scope in self.scopes() if identity in scope.tasks]
            if not standing or standing[0].has_state(FINISHED):
                del self.subprocesses[identity]
        for scope in self.scopes():
            _compact(scope)


def _compact(scope: Any) -> None:
    tasks = scope.tasks
    keep: set[Any] = set()
    for task in tasks.values():
        if task._state & LIVE:
            current: Any = task
            while current is not None and current.id not in keep:
                keep.add(current.id)
                current = current.parent
    # What lies ahead of a living task is its forecast, and the library needs it to go on.
    for task in tasks.values():
        parent = task.parent
        if task._state & AHEAD and parent is not None:
            ancestor = parent
            while ancestor is not None and ancestor._state & AHEAD:
                ancestor = ancestor.parent
            if ancestor is not None and ancestor._state & LIVE:
                keep.add(task.id)
    if not keep:
        return
    root = scope.task_tree
    keep.add(root.id)
    for identity in [identity for identity in tasks if identity not in keep]:
        del tasks[identity]
    for task in tasks.values():
        task._children = [child for child in task._children if child in keep]
    for task in list(tasks.values()):
        _splice(task, root, tasks)


def _splice(task: Any, root: Any, tasks: dict[Any, Any]) -> None:
    """Take a finished task out of a chain when its only successor is finished as well.

    The last finished task before a living one stays: a waiting task inherits from it whenever it is looked
    at again. A fork has several successors, so the data where branches parted stays too.
    """
    if task is root or task._state != TaskState.COMPLETED or len(task._children) != 1:
        return
    child = tasks[task._children[0]]
    if child._state != TaskState.COMPLETED:
        return
    if isinstance(task.task_spec, BoundaryEventSplit) or isinstance(child.task_spec, Join):
        return
    parent = task.parent
    parent._children = [child.id if identity == task.id else identity for identity in parent._children]
    child._parent = parent.id
    del tasks[task.id]
