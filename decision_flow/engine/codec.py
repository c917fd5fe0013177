"""The state of an instance as bytes: positional rows per task, no specification, compressed.

The first byte is the codec's version. Then comes zlib-compressed JSON: the first half of the bundle's
digest, so that a state never meets a plan it was not made with, and per scope its task rows, parents
before children, each with what its data differ from its parent's.
"""

from __future__ import annotations

import json
import time
import zlib
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from decision_flow.engine.data import Compiled, same
from decision_flow.engine.environment import Evaluator
from decision_flow.engine.workflow import AHEAD, Instance, SubInstance
from decision_flow.errors import N_, ProcedureFault

VERSION = 1
LIMIT = 64 * 1024 * 1024
_STATES = frozenset(1 << position for position in range(TaskState.CANCELLED.bit_length()))


def dump(compiled: Compiled, instance: Instance) -> bytes:
    """Return the state of `instance`. Raises `ProcedureFault` when its data are not JSON values."""
    scopes = [_dump_scope(compiled, instance, None)]
    scopes += [_dump_scope(compiled, scope, identity) for identity, scope in _outermost_first(instance)]
    try:
        text = json.dumps([compiled.digest[:32], scopes], ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise ProcedureFault(N_("程序数据中有不能保存的内容：%(reason)s"), reason=str(error)) from error
    return bytes([VERSION]) + zlib.compress(text, 1)


def load(compiled: Compiled, state: bytes, evaluator: Evaluator) -> Instance:
    """Return the instance that `state` describes. Raises `ProcedureFault` for a foreign or damaged state."""
    if not state or state[0] != VERSION:
        raise ProcedureFault(N_("事项的运行状态由更新版本的系统写入，或者已损坏。请联系系统管理员。"))
    try:
        stream = zlib.decompressobj()
        text = stream.decompress(state[1:], LIMIT)
        if not stream.eof or stream.unused_data:
            raise ValueError("cut off, or with something behind it")
        digest, scopes = json.loads(text)
        if digest != compiled.digest[:32]:
            raise ProcedureFault(N_("事项的运行状态与程序版本不符。请联系系统管理员。"))
        instance = Instance(compiled.plan, evaluator, restoring=True)
        if scopes[0][0] is not None:
            raise ValueError("the main process does not come first")
        for row in scopes:
            _load_scope(compiled, instance, row)
    except ProcedureFault:
        raise
    # What a damaged state makes the library raise cannot be listed; nothing of it has been run yet.
    except Exception as error:
        raise ProcedureFault(N_("事项的运行状态已损坏。请联系系统管理员。")) from error
    return instance


def _outermost_first(instance: Instance) -> list[tuple[Any, SubInstance]]:
    return sorted(instance.subprocesses.items(), key=lambda entry: entry[1].depth)


def _dump_scope(compiled: Compiled, scope: Any, parent_task: UUID | None) -> list[Any]:
    names = {name: number for number, name in enumerate(compiled.plan.names[scope.spec.name])}
    rows: list[Any] = []
    positions: dict[UUID, int] = {}
    queue = [scope.task_tree]
    for task in queue:
        positions[task.id] = len(rows)
        parent = task.parent
        rows.append(
            [
                task.id.hex,
                positions[parent.id] if parent is not None else -1,
                names[task.task_spec.name],
                task._state,
                round(task.last_state_change, 6),
                1 if task.triggered else 0,
                task.internal_data or 0,
                # A forecast has no data yet: it inherits when its turn comes.
                0 if task._state & AHEAD else _delta(parent.data if parent is not None else {}, task.data),
            ]
        )
        queue.extend(task.children)
    return [
        parent_task.hex if parent_task else None,
        scope.spec.name,
        1 if scope.completed else 0,
        rows,
        scope.data,
    ]


def _delta(base: dict[str, Any], data: dict[str, Any]) -> Any:
    # In the order of the names: however a state came about, equal data are equal bytes.
    changed = {
        key: data[key]
        for key in sorted(data)
        if key not in base or not (base[key] is data[key] or same(base[key], data[key]))
    }
    gone = sorted(key for key in base if key not in data)
    return [changed, gone] if gone else (changed or 0)


def _load_scope(compiled: Compiled, instance: Instance, row: list[Any]) -> None:
    parent_hex, name, completed, rows, data = row
    scope: Any = instance
    if parent_hex is not None:
        parent_task = instance.get_task_from_id(UUID(hex=parent_hex))
        scope = SubInstance(
            instance.subprocess_specs[name],
            parent_task_id=parent_task.id,
            top_workflow=instance,
            deserializing=True,
        )
        scope.completed_event.connect(parent_task.task_spec._on_subworkflow_completed, parent_task)
        instance.subprocesses[parent_task.id] = scope
    scope.completed, scope.data = bool(completed), dict(data)
    names = compiled.plan.names[name]
    loaded: list[Any] = []
    for entry in rows:
        loaded.append(_load_task(scope, scope.spec.task_specs[names[entry[2]]], loaded, entry))
    scope.task_tree = loaded[0]
    for task in loaded:
        if task._state == TaskState.WAITING and isinstance(task.task_spec, CatchingEvent):
            instance.event_manager.add_task(task)


def _load_task(scope: Any, spec: Any, loaded: list[Any], entry: list[Any]) -> Any:
    identity, parent_at, _, state, changed_at, triggered, internal, delta = entry
    if state not in _STATES or (parent_at >= 0) != bool(loaded):
        raise ValueError("a row that no task can have")
    parent = loaded[parent_at] if parent_at >= 0 else None
    # Not through Task.__init__, which would report the child to its parent and stamp it with a new time.
    task = Task.__new__(Task)
    task.id = UUID(hex=identity)
    task.workflow = scope
    task._parent = parent.id if parent is not None else None
    task._children = []
    task._state = state
    task.triggered = bool(triggered)
    task.task_spec = spec
    task.thread_id = 0
    task.last_state_change = float(changed_at or time.time())
    task.internal_data = dict(internal or {})
    task.data = dict(parent.data) if parent is not None and not state & AHEAD else {}
    if isinstance(delta, list):
        task.data.update(delta[0])
        for key in delta[1]:
            task.data.pop(key, None)
    elif delta:
        task.data.update(delta)
    if parent is not None:
        parent._children.append(task.id)
    scope.tasks[task.id] = task
    return task
