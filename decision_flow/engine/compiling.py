"""Bundle -> Compiled: parsed by SpiffWorkflow, with our own kinds of task, prepared once per digest.

`prepare` connects what the library connects only while a task runs; without it a multi-instance that is
restored after a restart would never finish (trap 1).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser, full_tag
from SpiffWorkflow.bpmn.parser.event_parsers import SIGNAL_EVENT_XPATH, TERMINATION_EVENT_XPATH, EndEventParser
from SpiffWorkflow.bpmn.parser.node_parser import DEFAULT_NSMAP
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.task_parsers import (
    ConditionalGatewayParser,
    GatewayParser,
)
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.defaults import EndEvent
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask

from decision_flow.engine import specs
from decision_flow.engine.data import Bundle, Compiled, Element, Finding
from decision_flow.engine.decisions import DecisionTable, read_tables
from decision_flow.engine.diagrams import Diagrams, read
from decision_flow.engine.markup import MAX_REMEMBERED, NS, camunda
from decision_flow.engine.references import unresolved
from decision_flow.errors import N_, NotConforming

_kept: dict[str, Compiled] = {}
_lock = threading.Lock()
Key = tuple[str, bytes, frozenset[tuple[str, bytes]], frozenset[tuple[str, str]]]
MAX_PARSED = 64
_parsed: dict[Key, dict[str, Any]] = {}

# The library's parser recurses along the flow; a chain of some hundred tasks would overflow (trap 11).
_STACK_BYTES = 256 * 1024 * 1024
_RECURSION = 60_000


@dataclass(frozen=True)
class Plan:
    """The prepared specifications: the main process, those it calls, and the order of their task names."""

    main: Any
    called: Mapping[str, Any]
    names: Mapping[str, tuple[str, ...]]
    elements: Mapping[str, Element]
    flows: Mapping[tuple[str, str], str]


def compile(bundle: Bundle, *, keep: bool = True) -> Compiled:
    """Return `bundle` ready to run, from memory when this process compiled it before.

    With `keep` false nothing is remembered: for a draft, which changes with every stroke.

    Raises `Invalid` for files that cannot be read, `NotConforming` with findings that name rule, element
    and reason when something in them cannot run.
    """
    found = _kept.get(bundle.digest)
    if found is None and not keep:
        with _lock:
            return _compile(bundle)
    if found is None:
        with _lock:
            found = _kept.get(bundle.digest) or _compile(bundle)
            _kept[bundle.digest] = found
    return found


def _compile(bundle: Bundle) -> Compiled:
    diagrams = read(bundle.bpmn)
    tables = read_tables(bundle.dmn)
    if findings := list(unresolved(bundle.main, diagrams, tables)):
        raise NotConforming(N_("程序图中有不能运行的内容。"), findings=findings)
    plan = _in_deep_thread(lambda: _parse(bundle, diagrams, tables))
    return Compiled(
        digest=bundle.digest,
        main=bundle.main,
        elements=diagrams.elements,
        flows=diagrams.flows,
        processes=diagrams.processes,
        plan=plan,
    )


def _parse(bundle: Bundle, diagrams: Diagrams, tables: Mapping[str, DecisionTable]) -> Plan:
    parser, main = _Parser(tables), bundle.main
    try:
        for name, tree in diagrams.trees.items():
            parser.add_bpmn_xml(tree.getroottree(), name)
        keys = {name: parser.key(name, content, bundle.dmn) for name, content in bundle.bpmn.items()}
        for key in keys.values():
            parser.known |= _parsed.get(key, {})
        spec = parser.get_spec(main)
        called = parser.get_subprocess_specs(main)
    except ValidationException as error:
        raise NotConforming(
            N_("程序图不能运行：%(reason)s"),
            findings=[Finding("executable", str(getattr(error, "id", "") or ""), str(error))],
            reason=str(error),
        ) from error
    every = {main: spec, **called}
    for name, each in every.items():
        if name not in parser.known:
            _prepare(each)
    _remember(keys, bundle.bpmn, every)
    return Plan(
        main=spec,
        called=called,
        names={name: tuple(sorted(each.task_specs)) for name, each in every.items()},
        elements=diagrams.elements,
        flows={(flow.source, flow.target): flow.id for flow in reversed(list(diagrams.flows.values()))},
    )


def _remember(keys: Mapping[str, Key], files: Mapping[str, bytes], every: Mapping[str, Any]) -> None:
    """Keep the specifications of each file: a draft changes one at a time, and nobody changes a specification."""
    for name, key in keys.items():
        if len(files[name]) <= MAX_REMEMBERED:
            _parsed.pop(key, None)
            _parsed[key] = {process: spec for process, spec in every.items() if spec.file == name}
    while len(_parsed) > MAX_PARSED:
        del _parsed[next(iter(_parsed))]


def _prepare(spec: Any) -> None:
    for task_spec in list(spec.task_specs.values()):
        specs.forecast_one_step_only(task_spec)
        if isinstance(task_spec, LoopTask):
            child = spec.task_specs[task_spec.task_spec]
            if not child.completed_event.is_connected(task_spec.merge_child):
                child.completed_event.connect(task_spec.merge_child)
        if isinstance(task_spec, specs.InclusiveJoin):
            task_spec.reaching = _reaching(spec, task_spec.name)
        if type(task_spec).__name__ == "_EndJoin":
            task_spec.__class__ = specs.EndJoin
        definition = getattr(task_spec, "event_definition", None)
        if isinstance(definition, TimerEventDefinition) and not isinstance(definition, specs.DueEvent):
            task_spec.event_definition = specs.DueEvent(definition.name or task_spec.name, definition.expression)


def _reaching(spec: Any, name: str) -> frozenset[str]:
    """Return the names of the task specs from which a token can come to `name`."""
    found: set[str] = set()
    stack = [name]
    while stack:
        for source in spec.task_specs[stack.pop()]._inputs:
            if source not in found:
                found.add(source)
                stack.append(source)
    found.discard(name)
    return frozenset(found)


def _in_deep_thread(work: Any) -> Any:
    """Run `work` with a stack deep enough for a parser that recurses along the flow."""
    result: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:
            errors.append(error)

    size = threading.stack_size(_STACK_BYTES)
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(max(limit, _RECURSION))
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if errors:
        raise errors[0]
    return result[0]


@lru_cache(maxsize=256)
def _path(text: str) -> Any:
    return etree.XPath(text, namespaces=DEFAULT_NSMAP)


class _QuickPaths:
    """Compiles each path once: the library asks the same few dozen of every node, and compiles them every time."""

    def _xpath(self, node: Any, xpath: str) -> Any:
        return _path(xpath)(node)


class _ActivityParser(_QuickPaths, TaskParser):  # type: ignore[misc]
    """Builds standard multi-instance with an input item, an output item and a result list of its own."""

    PARALLEL_MI_CLASS = specs.ParallelInstances
    SEQUENTIAL_MI_CLASS = specs.SequentialInstances
    task: Any

    def _add_multiinstance_task(self, loop: Any) -> None:
        element = self.bpmn_id
        sequential = loop.get("isSequential") == "true"
        collection = loop.findtext("bpmn:loopDataInputRef", None, NS) or camunda(loop, "collection") or ""
        item = _item(loop.find("bpmn:inputDataItem", NS)) or camunda(loop, "elementVariable") or f"{element}_item"
        output = _item(loop.find("bpmn:outputDataItem", NS)) or f"{element}_result"
        results = loop.findtext("bpmn:loopDataOutputRef", None, NS) or f"{element}_results"
        condition = loop.findtext("bpmn:completionCondition", None, NS)
        original = self.spec.task_specs.pop(self.task.name)
        build = self.SEQUENTIAL_MI_CLASS if sequential else self.PARALLEL_MI_CLASS
        self.task = build(
            self.spec,
            original.name,
            task_spec="",
            cardinality=None,
            data_input=specs.Path(collection.strip()),
            data_output=specs.Path(results.strip()),
            input_item=specs.Path(item),
            output_item=specs.Path(output if output != item else f"{output}_out"),
            condition=condition,
        )
        self._copy_task_attrs(original, loop)


def _item(node: Any) -> str | None:
    return (node.get("name") or node.get("id")) if node is not None else None


class _DecisionParser(_ActivityParser):
    def create_task(self) -> Any:
        task = self.spec_class(self.spec, self.bpmn_id, **self.bpmn_attributes)
        reference = camunda(self.node, "decisionRef")
        task.table = self.process_parser.parser.tables[reference]
        task.variable = camunda(self.node, "resultVariable") or reference
        return task


class _ServiceParser(_ActivityParser):
    def create_task(self) -> Any:
        task = self.spec_class(self.spec, self.bpmn_id, **self.bpmn_attributes)
        task.topic = camunda(self.node, "topic")
        return task


class _EndParser(_QuickPaths, EndEventParser):  # type: ignore[misc]
    """Reads the signal of an end event, which the library takes for an end that says nothing."""

    def create_task(self) -> Any:
        task = self._create_task(self.get_event_definition([SIGNAL_EVENT_XPATH, TERMINATION_EVENT_XPATH]))
        task.connect(self.spec.end)
        return task


class _ProcessParser(_QuickPaths, ProcessParser):  # type: ignore[misc]
    pass


def _with_our_loops(parser: type) -> type:
    """Return `parser` with our multi-instance in place of the library's."""
    return type(f"Our{parser.__name__}", (_QuickPaths, parser), {
        "_add_multiinstance_task": _ActivityParser._add_multiinstance_task,
        "PARALLEL_MI_CLASS": specs.ParallelInstances,
        "SEQUENTIAL_MI_CLASS": specs.SequentialInstances,
    })  # fmt: skip


class _Parser(BpmnParser):  # type: ignore[misc]
    """SpiffWorkflow's parser with our classes for joins, decisions, calls and multi-instances."""

    PROCESS_PARSER_CLASS = _ProcessParser
    OVERRIDE_PARSER_CLASSES = {
        **{key: (_with_our_loops(parser), spec) for key, (parser, spec) in BpmnParser.PARSER_CLASSES.items()},
        full_tag("exclusiveGateway"): (_with_our_loops(ConditionalGatewayParser), specs.Choice),
        full_tag("parallelGateway"): (_with_our_loops(GatewayParser), specs.ParallelJoin),
        full_tag("inclusiveGateway"): (_with_our_loops(ConditionalGatewayParser), specs.InclusiveJoin),
        full_tag("endEvent"): (_EndParser, EndEvent),
        full_tag("businessRuleTask"): (_DecisionParser, specs.DecisionTask),
        full_tag("serviceTask"): (_ServiceParser, specs.CallTask),
    }  # fmt: skip

    def __init__(self, tables: Mapping[str, DecisionTable]) -> None:
        super().__init__()
        self.tables = tables
        self.known: dict[str, Any] = {}

    def key(self, name: str, content: bytes, tables: Mapping[str, bytes]) -> Key:
        """return what the specifications of a file come of: it, the tables, what all files declare."""
        return name, content, frozenset(tables.items()), frozenset({*self.messages.items(), *self.signals.items()})

    def get_spec(self, process_id: str, required: bool = True) -> Any:
        known = self.known.get(process_id)
        return known if known is not None else super().get_spec(process_id, required)

    def _add_diagram_indexes(self, bpmn: Any) -> None:
        """Note the lanes. Where something is drawn says nothing about the run."""
        key = self._document_key(bpmn)
        references = _path(".//bpmn:flowNodeRef")(bpmn)
        self.document_lanes[key] = {
            reference.text: reference.getparent().get("name") for reference in references if reference.text is not None
        }
        self.document_positions[key] = {}
