"""Which rules a mutant breaks, as found without the verifier, and whether the verifier finds the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from decision_flow import procedures
from decision_flow.engine.decisions import read_tables
from decision_flow.engine.markup import NS, camunda, properties_of
from decision_flow.expressions import compile_expression
from decision_flow.resources import BPMN
from decision_flow.verification import policy, verify
from tests.verification.mutants import Mutant, mutants
from tests.verification.oracle import Context, Element, Oracle

PROCEDURES = ("major_decision", "post_evaluation", "decision_adjustment", "three_major_one_large")
# What ends after a decision depends on the values of the minutes; the oracle does not follow values.
POLICY = replace(
    policy.default(),
    requirements=tuple(each for each in policy.default().requirements if "after" not in each.told),
)
AT_START = {"policy", "matter", "decision", "evaluation", "F01", "F42"}
Place = tuple[Context, str]


def every_mutant() -> Iterator[Mutant]:
    """Yield every mutant of the procedures that are tested."""
    for source in procedures.shipped(BPMN):
        if source.key in PROCEDURES:
            yield from mutants(source.key, source.bundle)


def broken(mutant: Mutant) -> set[str] | None:
    """Return the rules that the mutant breaks, judged without the verifier; None when that took too long."""
    oracle = Oracle(mutant.bundle)
    places = _Places(oracle)
    if any(True for _ in places.loose()):
        return {"connected"}
    found = {"expression_typed"} if any(places.unfilled()) else set()
    steps = oracle.steps()
    everything = list(places.elements())
    for required in POLICY.requirements:
        if required.when_has and not steps & set(required.when_has):
            continue
        told = required.told
        if required.kind in ("step", "at_end"):
            hole = oracle.reachable(told["step"], str(told.get("before", "")), exemption=bool(told.get("exemption")))
            if hole is None:
                return None
            found |= {"step_unavoidable" if required.kind == "step" else "step_before_end"} if hole else set()
        elif required.kind == "roles_differ":
            groups = [
                {_role(e) for e in everything if e.form == form.replace("-", "")} for form in required.steps("forms")
            ]
            found |= {"roles_differ"} if groups[0] & groups[1] else set()
        elif required.kind == "deadline":
            tasks = [e for e in everything if e.step == told["step"] and e.kind == "userTask"]
            due = [e for e in tasks if properties_of(e.xml).get("due")]
            found |= {"deadline_declared"} if tasks and not due else set()
        elif required.kind == "period":
            found |= {"minimum_period"} if any(_too_short(oracle, told["form"].replace("-", ""))) else set()
    return found


def found_by_the_verifier(mutant: Mutant) -> set[str]:
    """Return the rules that the verifier says the mutant breaks."""
    report = verify(mutant.bundle, policy=POLICY)
    return {found.rule for found in report.findings if found.severity == "error"}


def count(chosen: Iterable[Mutant]) -> tuple[Counter[str], list[str]]:
    """Return how many mutants open a hole and how many do none, and where the verifier says otherwise."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for mutant in chosen:
        expected, told = broken(mutant), found_by_the_verifier(mutant)
        kind = mutant.kind.split(" ")[0] + (
            f" {mutant.kind.split(' ')[1]}" if mutant.kind.startswith("without") else ""
        )
        state = "not settled" if expected is None else "hole" if expected else "harmless"
        counts[state] += 1
        counts[f"{mutant.procedure}: {state}"] += 1
        counts[f"{kind}: {state}"] += 1
        for rule in expected or ():
            counts[f"{rule}: hole"] += 1
        if expected is not None and expected != told:
            wrong.append(f"{mutant}: oracle {sorted(expected)}, verifier {sorted(told)}")
    return counts, wrong


def _role(element: Element) -> str:
    return camunda(element.xml, "candidateGroups") or element.id


def _too_short(oracle: Oracle, form: str) -> Iterator[bool]:
    for layer in oracle.layers.values():
        for element in layer.elements.values():
            if element.form == form and element.kind == "userTask":
                for flow in layer.outs.get(element.id, ()):
                    timer = layer.elements[layer.flows[flow][1]].xml.find("bpmn:timerEventDefinition", NS)
                    yield timer is None or "close_on" not in "".join(timer.itertext())


class _Places:
    """Every element of a bundle where it is called, and what can come after it, joins open for anyone."""

    def __init__(self, oracle: Oracle) -> None:
        self.o = oracle
        self.after: dict[Place, list[Place]] = {}
        stack: list[Place] = [((), start) for start in oracle.layer(()).starts()]
        self.reached: set[Place] = set()
        while stack:
            at = stack.pop()
            if at not in self.reached:
                self.reached.add(at)
                self.after[at] = list(self._following(at))
                stack += self.after[at]

    def _following(self, at: Place) -> Iterator[Place]:
        context, name = at
        layer = self.o.layer(context)
        yield from ((context, event) for event in layer.events.get(name, ()))
        inner = layer.elements[name].inner
        if inner:
            below = (*context, name)
            yield from ((below, start) for start in self.o.layer(below).starts())
        else:
            yield from self._out(context, name)

    def _out(self, context: Context, name: str) -> Iterator[Place]:
        layer = self.o.layer(context)
        outs = layer.outs.get(name, [])
        yield from ((context, layer.flows[flow][1]) for flow in outs)
        if not outs and context:
            yield from self._out(context[:-1], context[-1])

    def elements(self) -> Iterator[Element]:
        seen = {(self.o._layers_of(context)[-1], name) for context, name in self.reached}
        yield from (self.o.layers[layer].elements[name] for layer, name in seen)

    def loose(self) -> Iterator[str]:
        for layer in {self.o._layers_of(context)[-1] for context, _ in self.reached}:
            told = self.o.layers[layer]
            for element in told.elements.values():
                if element.kind not in ("startEvent", "boundaryEvent") and not told.ins.get(element.id):
                    yield element.id

    def unfilled(self) -> Iterator[str]:
        """Yield the names that an expression reads although no way to it fills them in."""
        tables = read_tables(self.o.bundle.dmn)
        fills: dict[str, list[Place]] = {}
        hears: list[Place] = []
        for at in self.reached:
            element = self.o.layer(at[0]).elements[at[1]]
            loop = element.xml.find("bpmn:multiInstanceLoopCharacteristics", NS)
            names = {element.form, camunda(element.xml, "resultVariable") or ""}
            if loop is not None:
                names = {loop.findtext("bpmn:loopDataOutputRef", "", NS)}
            for name in names - {""}:
                fills.setdefault(name, []).append(at)
            if element.xml.find("bpmn:signalEventDefinition", NS) is not None:
                hears.append(at)
        reach = {name: self._behind(places) for name, places in fills.items()}
        heard = self._behind(hears)
        for at in self.reached:
            layer = self.o.layer(at[0])
            element = layer.elements[at[1]]
            items = {item.get("name") for item in element.xml.iter("{*}inputDataItem")}
            around = {
                item.get("name")
                for n, name in enumerate(at[0])
                for item in self.o.layer(at[0][:n]).elements[name].xml.iterfind(".//bpmn:inputDataItem", NS)
            }
            here = [layer.flows[flow][2] for flow in layer.outs.get(element.id, ()) if layer.flows[flow][2]]
            told = properties_of(element.xml)
            before = [told[key] for key in ("due", "unit", "person") if told.get(key) and element.kind == "userTask"]
            timer = element.xml.find("bpmn:timerEventDefinition", NS)
            text = "".join(timer.itertext()).strip() if timer is not None else ""
            before += [text] if text and not re.match(r"P\d|\d{4}-", text) else []
            before += [each.text for each in element.xml.iterfind("*/bpmn:loopDataInputRef", NS)]
            table = tables.get(camunda(element.xml, "decisionRef") or "")
            if table is not None:
                before += [each.text for each in table.inputs]
                before += [each.text for rule in table.rules for each in (*rule.conditions, *rule.results) if each]
            for texts, own in ((before, False), (here, True)):
                for name in {name for text in texts for name in _read(text)} - items - around - AT_START - {"value"}:
                    known = at in reach.get(name, ()) or (own and at in fills.get(name, ()))
                    if not known and not (at in heard and not re.match(r"F\d", name)):
                        yield name

    def _behind(self, places: list[Place]) -> set[Place]:
        """Return where one can come after what stands at `places` is done."""
        stack = [each for at in places for each in self._done(at)]
        seen: set[Place] = set()
        while stack:
            at = stack.pop()
            if at not in seen:
                seen.add(at)
                stack += self.after[at]
        return seen

    def _done(self, at: Place) -> Iterator[Place]:
        yield from self._out(*at)


def _read(text: str) -> set[str]:
    """Return the roots that an expression reads without having asked whether they are there."""
    asked = set(re.findall(r"exists\(\s*[\"']?(\w+)", text))
    return {name.split(".")[0] for name in compile_expression(text.strip()).names()} - asked
