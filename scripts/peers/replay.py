"""Reads our exports with pm4py and replays every finished matter on the diagram it ran on. Runs in pm4py's environment.

pm4py knows no called processes, repeated activities and boundary events: `Net` flattens the published BPMN into one
Petri net in which only the tasks of people are seen, and alignments (exact, unlike token replay) give the fitness.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from itertools import count
from pathlib import Path

import pm4py
from lxml import etree
from pm4py.objects.petri_net.obj import Marking, PetriNet
from pm4py.objects.petri_net.utils.petri_utils import add_arc_from_to

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


class Net:
    """The Petri net of a main process with everything it calls."""

    def __init__(self, folder: Path, main: str) -> None:
        self.net, self.numbers = PetriNet(main), count()
        self.processes = {}
        for path in sorted(folder.iterdir()):
            for process in etree.parse(path).iter(f"{BPMN}process"):
                self.processes[process.get("id")] = process
        self.begin, self.end = self.place(), self.place()
        self.scope(self.processes[main], self.begin, self.end)

    def place(self) -> PetriNet.Place:
        place = PetriNet.Place(f"p{next(self.numbers)}")
        self.net.places.add(place)
        return place

    def step(self, inputs: list, outputs: list, label: str | None = None) -> None:
        transition = PetriNet.Transition(f"t{next(self.numbers)}", label)
        self.net.transitions.add(transition)
        for place in inputs:
            add_arc_from_to(place, transition, self.net)
        for place in outputs:
            add_arc_from_to(transition, place, self.net)

    def scope(self, process, begin: PetriNet.Place, end: PetriNet.Place) -> None:
        """Put the flow nodes of a process between two places; a token for each sequence flow it stands on."""
        flows = {flow.get("id"): flow for flow in process.findall(f"{BPMN}sequenceFlow")}
        places = {flow: self.place() for flow in flows}
        outgoing, incoming = {}, {}
        for key, flow in flows.items():
            outgoing.setdefault(flow.get("sourceRef"), []).append(key)
            incoming.setdefault(flow.get("targetRef"), []).append(key)
        nodes = {node.get("id"): node for node in process if node.get("id") and node.get("id") not in flows}
        for key, node in nodes.items():
            kind = etree.QName(node).localname
            into, out = [places[f] for f in incoming.get(key, ())], [places[f] for f in outgoing.get(key, ())]
            if kind == "startEvent":
                self.step([begin], out)
            elif kind == "endEvent":
                for place in into:
                    self.step([place], [end])
            elif kind == "inclusiveGateway" and len(out) > 1:
                self.step(into, out)
                for flow in outgoing[key]:
                    self.skip(flow, places, flows, outgoing, nodes)
            elif kind == "inclusiveGateway":
                self.step(into, out)
            elif kind in ("userTask", "serviceTask", "businessRuleTask", "callActivity", "subProcess"):
                self.activity(node, kind, into, out, nodes, outgoing, places)
            elif kind in ("exclusiveGateway", "intermediateCatchEvent"):
                for source in into:
                    for target in out:
                        self.step([source], [target])

    def skip(self, flow: str, places: dict, flows: dict, outgoing: dict, nodes: dict) -> None:
        """Let a branch that was not chosen pass straight to where it is joined."""
        seen, todo = set(), [flow]
        while todo:
            at = todo.pop(0)
            target = nodes[flows[at].get("targetRef")]
            if target.tag == f"{BPMN}inclusiveGateway" and len(outgoing.get(target.get("id"), ())) == 1:
                if at != flow:
                    self.step([places[flow]], [places[at]])
                return
            for further in outgoing.get(target.get("id"), ()):
                if further not in seen:
                    seen.add(further)
                    todo.append(further)

    def activity(self, node, kind: str, into: list, out: list, nodes: dict, outgoing: dict, places: dict) -> None:
        """An activity with what its border catches; a repeated one happens any number of times."""
        standing, after = self.place(), self.place()
        for source in into:
            self.step([source], [standing])
        if node.find(f"{BPMN}multiInstanceLoopCharacteristics") is not None:
            self.inside(node, kind, standing, standing)
            self.step([standing], [after])
        else:
            self.inside(node, kind, standing, after)
        for border in nodes.values():
            if border.get("attachedToRef") == node.get("id"):
                caught = [places[flow] for flow in outgoing[border.get("id")]]
                keeps = [standing] if border.get("cancelActivity") == "false" else []
                self.step([standing], caught + keeps)
        self.step([after], out)

    def inside(self, node, kind: str, begin: PetriNet.Place, end: PetriNet.Place) -> None:
        if kind == "callActivity":
            self.scope(self.processes[node.get("calledElement")], begin, end)
        elif kind == "subProcess":
            self.scope(node, begin, end)
        else:
            self.step([begin], [end], node.get("id") if kind == "userTask" else None)


def main(folder: Path) -> int:
    told = json.loads((folder / "told.json").read_text("utf-8"))
    wrong = []

    def equal(what: str, ours: object, theirs: object) -> None:
        print(f"{'=' if ours == theirs else '≠'} {what}: ours {ours}, pm4py {theirs}")
        if ours != theirs:
            wrong.append(what)

    log = pm4py.read_xes(str(folder / "trail.xes"), return_legacy_log_object=True)
    table = pm4py.convert_to_dataframe(log)
    equal("XES cases", told["matters"], len(log))
    equal("XES events", told["events of matters"], sum(len(trace) for trace in log))
    per_case = {trace.attributes["concept:name"]: len(trace) for trace in log}
    equal("XES events of each case", {key: case["events"] for key, case in told["cases"].items()}, per_case)
    equal("XES standard extensions", ["Concept", "Lifecycle", "Organizational", "Time"], sorted(log.extensions))
    equal("XES classifiers", ["Activity", "Activity and transition"], sorted(log.classifiers))
    equal("XES times with their zone", True, str(table["time:timestamp"].dtype).endswith("UTC]"))
    standard = {"schedule", "start", "reassign", "complete", "withdraw"}
    equal("XES transitions outside the standard lifecycle", [], sorted(set(table["lifecycle:transition"]) - standard))
    ocel = pm4py.read_ocel2_json(str(folder / "trail.ocel.json"))
    equal("OCEL events", told["events"], len(ocel.events))
    kinds = Counter(ocel.events["ocel:activity"])
    equal("OCEL events of each kind", dict(sorted(told["kinds"].items())), dict(sorted(kinds.items())))
    equal("OCEL matters", told["matters"], int((ocel.objects["ocel:type"] == "matter").sum()))
    equal("OCEL times with their zone", True, str(ocel.events["ocel:timestamp"].dtype).endswith("UTC]"))
    written = json.loads((folder / "trail.ocel.json").read_text("utf-8"))
    equal(
        "OCEL object types",
        sorted(one["name"] for one in written["objectTypes"]),
        sorted(set(ocel.objects["ocel:type"])),
    )
    objects = dict(sorted(Counter(one["type"] for one in written["objects"]).items()))
    equal("OCEL objects of each type", objects, dict(sorted(Counter(ocel.objects["ocel:type"]).items())))
    tied = sum(len(event["relationships"]) for event in written["events"])
    equal("OCEL relations of events to objects", tied, len(ocel.relations))
    qualifiers = sorted({one["qualifier"] for event in written["events"] for one in event["relationships"]})
    equal("OCEL qualifiers", qualifiers, sorted(set(ocel.relations["ocel:qualifier"])))
    between = sum(len(one["relationships"]) for one in written["objects"])
    equal("OCEL relations between objects", between, len(ocel.o2o))
    print(f"  OCEL objects: {dict(ocel.objects['ocel:type'].value_counts())}; changes: {len(ocel.object_changes)}")
    nets: dict[str, Net] = {}
    for trace in log:
        name = trace.attributes["concept:name"]
        case = told["cases"][name]
        if not case["finished"]:
            continue
        if case["version"] not in nets:
            nets[case["version"]] = Net(folder / "bpmn" / case["version"], case["main"])
        found = nets[case["version"]]
        kept = pm4py.objects.log.obj.Trace(attributes=trace.attributes)
        for event in trace:
            if event["event"] == "task.completed":
                kept.append(pm4py.objects.log.obj.Event({**event, "concept:name": event["element"]}))
        result = pm4py.conformance_diagnostics_alignments(
            pm4py.objects.log.obj.EventLog([kept]), found.net, Marking({found.begin: 1}), Marking({found.end: 1})
        )[0]
        equal(f"fitness of {name} ({case['outcome']}, {len(kept)} tasks)", 1.0, result["fitness"])
        # An aligner that finds everything fitting would say nothing: without its last two tasks it does not fit.
        del kept._list[-2:]
        worse = pm4py.conformance_diagnostics_alignments(
            pm4py.objects.log.obj.EventLog([kept]), found.net, Marking({found.begin: 1}), Marking({found.end: 1})
        )[0]
        equal(f"  without its last two tasks it does not fit ({worse['fitness']:.3f})", True, worse["fitness"] < 1)
    print(f"{len(nets)} versions; {len(wrong)} differences")
    return 1 if wrong else 0


sys.exit(main(Path(sys.argv[1])))
