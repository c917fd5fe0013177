"""Loose diagrams made into bundles: which files belong to which procedure, and which procedures a part serves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

from lxml import etree

from decision_flow import verification
from decision_flow.engine import Bundle
from decision_flow.engine.markup import PREFIX, PROCESS, camunda, parse_xml, tree_of
from decision_flow.errors import Invalid
from decision_flow.verification.model import Model
from decision_flow.verification.policy import Policy
from decision_flow.verification.report import Finding, Report

AMBIGUOUS = "被调用的流程“{name}”在几个文件中都有（{files}），不知道是哪一个：请只留一个，或者把要用的一个一并给出"


class Process(NamedTuple):
    """A process by the file it stands in."""

    file: str
    name: str


class Shelf(Protocol):
    """What lies beside a diagram: in its own folder, nowhere else."""

    def diagrams(self, file: str) -> Mapping[str, bytes]:
        """Return the other diagrams in the folder of `file`."""

    def form(self, file: str, key: str) -> bytes | None:
        """Return the form that a diagram names by its key."""

    def table(self, file: str, key: str) -> tuple[str, bytes] | None:
        """Return the file of the decision table that a diagram names, and its content."""

    def start(self, file: str, process: str) -> tuple[str, ...]:
        """Return the keys of the forms that a matter of `process` begins and is led with, as far as that is told."""


@dataclass(frozen=True)
class Case:
    """One process of a given file to be judged: with all it calls, and as a part of what calls it beside it."""

    file: str
    bundle: Bundle
    callers: tuple[Bundle, ...] = ()
    unclear: tuple[Finding, ...] = ()

    def judge(self, policy: Policy, *, soundness_only: bool = False) -> Report:
        """Return the report on the process. Raises `Invalid` as `verification.verify` does.

        A part cannot keep the whole law by itself: what is asked of a procedure is asked of those that call it, and
        the part answers for what lies in it and for every run that leads through it. Where no caller can be judged
        it stands alone.
        """
        if self.unclear:
            return Report("unsupported", self.unclear)
        own = verification.verify(self.bundle, policy=policy, soundness_only=soundness_only)
        if soundness_only or not self.callers or own.verdict not in ("lawful", "unlawful"):
            return own
        reports = [verification.verify(bundle, policy=policy) for bundle in self.callers]
        whole = [report for report in reports if report.verdict in ("lawful", "unlawful")]
        if not whole:
            return own
        findings = {found: None for report in whole for found in report.findings if self._bears(found)}
        holds = all(found.severity == "warning" for found in findings)
        return Report("lawful" if holds else "unlawful", tuple(findings))

    def _bears(self, found: Finding) -> bool:
        return not self._elements.isdisjoint({found.element, *found.counterexample})

    @cached_property
    def _elements(self) -> set[str]:
        return _elements(self.bundle)

    def where(self, element: str) -> str:
        """Return the file that an element lies in when that is another than the one judged."""
        files = {file: content for bundle in (*self.callers, self.bundle) for file, content in bundle.bpmn.items()}
        homes = [file for file, content in files.items() if element in _ids(tree_of(file, content))]
        return homes[0] if homes and self.file not in homes else ""


def gather(files: Mapping[str, bytes], shelf: Shelf) -> list[Case]:
    """Return a case for each process of `files` that no other one of them calls. Raises `Invalid` for unreadable XML.

    A call is to a process of its own file, or of a given file in the same folder, or of one that lies there, or of
    any given one. Whoever gives many procedures that each call themselves `Process_1` is told about every one.
    """
    desk = _Desk(files, shelf)
    every = [process for file in files for process in desk.processes(file)]
    called = {home for each in every for home in desk.called(each) if home != each}
    roots = [each for each in every if each not in called]
    covered = {below for root in roots for below in desk.below(root)}
    for each in every:  # What calls itself in a round has no first one.
        if each not in covered:
            roots.append(each)
            covered |= desk.below(each)
    return [desk.case(each) for each in sorted(roots, key=every.index)]


class _Call(NamedTuple):
    element: str
    name: str


class _Desk:
    """The given files, and what is taken from the shelf when they call for it."""

    def __init__(self, given: Mapping[str, bytes], shelf: Shelf) -> None:
        self._given, self._shelf = given, shelf
        self._contents = dict(given)
        self._calls = {file: _calls(parse_xml(file, content)) for file, content in given.items()}

    def processes(self, file: str) -> list[Process]:
        return [Process(file, name) for name in self._calls[file]]

    def called(self, process: Process) -> set[Process]:
        """Return the processes that `process` calls, where it is clear which are meant."""
        calls = self._calls[process.file].get(process.name, [])
        return {homes[0] for call in calls if len(homes := self._homes(process.file, call.name)) == 1}

    def below(self, process: Process) -> set[Process]:
        seen, stack = {process}, [process]
        while stack:
            new = self.called(stack.pop()) - seen
            seen |= new
            stack += new
        return seen

    def case(self, process: Process) -> Case:
        return Case(
            process.file, self._bundle(process), tuple(map(self._bundle, self._tops(process))), self._unclear(process)
        )

    def _homes(self, file: str, name: str) -> list[Process]:
        """Return the processes that a call of `name` in `file` may mean: more than one, and it is not clear which."""
        if name in self._calls[file]:
            return [Process(file, name)]
        near = [Process(each, name) for each in self._near(file, name) if name in self._calls[each]]
        chosen = [each for each in near if each.file in self._given] or near
        return chosen or [Process(each, name) for each in self._given if name in self._calls[each]]

    def _near(self, file: str, name: str) -> Iterator[str]:
        """Yield the files beside `file` that can be read and say `name` somewhere: most of a large folder do not."""
        spelt = [name.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be")]
        for each, content in self._shelf.diagrams(file).items():
            if each not in self._calls and any(word in content for word in spelt):
                try:
                    self._calls[each] = _calls(parse_xml(each, content))
                    self._contents[each] = content
                except Invalid:
                    continue  # It was not given; whoever gives it is told.
            if each in self._calls:
                yield each

    def _tops(self, process: Process) -> list[Process]:
        """Return the procedures beside `process` that it is a part of: those that nobody calls."""
        seen, stack, tops = {process}, [process], []
        while stack:
            at = stack.pop()
            callers = [
                caller
                for file in self._near(at.file, at.name)
                for caller in self.processes(file)
                if at in self.called(caller) and caller != at
            ]
            if not callers and at != process:
                tops.append(at)
            new = [caller for caller in callers if caller not in seen]
            seen.update(new)
            stack += new
        return sorted(tops)

    def _files(self, process: Process) -> list[str]:
        """Return its file and those called into: only them, so that a fault elsewhere is told where it belongs."""
        found = [process.file]
        for file in found:
            for each in self.processes(file):
                found += sorted({home.file for home in self.called(each)} - set(found))
        return found

    def _unclear(self, process: Process) -> tuple[Finding, ...]:
        found = []
        for at in sorted(self.below(process)):
            for call in self._calls[at.file].get(at.name, []):
                homes = self._homes(at.file, call.name)
                if len(homes) > 1:
                    files = "、".join(sorted(home.file for home in homes))
                    message = AMBIGUOUS.format(name=call.name, files=files)
                    english = f"The process {call.name} stands in several files: {files}."
                    found.append(Finding("executable", "error", call.element, message, english))
        return tuple(found)

    def _bundle(self, process: Process) -> Bundle:
        bpmn = {file: self._contents[file] for file in self._files(process)}
        forms: dict[str, bytes] = {}
        tables: dict[str, bytes] = {}
        for file, content in bpmn.items():
            tree = tree_of(file, content)
            for key in sorted(filter(None, {camunda(node, "formKey") for node in tree.iter()})):
                if (form := self._shelf.form(file, key)) is not None:
                    forms.setdefault(f"{key}.toml", form)
            for key in sorted(filter(None, {camunda(node, "decisionRef") for node in tree.iter()})):
                if (table := self._shelf.table(file, key)) is not None:
                    tables.setdefault(*table)
        for key in self._shelf.start(*process):
            if (form := self._shelf.form(process.file, key)) is not None:
                forms.setdefault(f"{key}.toml", form)
        return Bundle(process.name, bpmn, tables, forms)


def _calls(tree: etree._Element) -> dict[str, list[_Call]]:
    """Return the processes of a diagram with what each calls."""
    return {
        process.get("id", ""): [
            _Call(node.get("id", ""), node.get("calledElement", ""))
            for node in process.iter(f"{PREFIX}callActivity")
            if node.get("calledElement")
        ]
        for process in tree.iter(PROCESS)
    }


def _ids(tree: etree._Element) -> set[str]:
    return {node.get("id", "") for process in tree.iter(PROCESS) for node in process.iter()}


def _elements(bundle: Bundle) -> set[str]:
    """Return the ids of all that the main process and those it calls consist of."""
    scopes = list(Model(bundle).scopes())
    return {name for scope in scopes for name in (scope.id, *scope.elements, *(flow for flow, *_ in scope.flows))}
