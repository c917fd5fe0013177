"""An independent, naive search: every interleaving of a flat model of exclusive and parallel gateways."""

from __future__ import annotations

from collections import Counter, deque

from tests.drawing import Drawing

Marking = frozenset[tuple[str, int]]


def sound(drawing: Drawing) -> bool | None:
    """Whether no place ever holds two tokens, every run can end, and every node can be passed; None is too many."""
    flows = {id: (source, target) for id, source, target, *_ in drawing.flows}
    kinds = {name: node.kind for name, node in drawing.nodes.items()}
    start = next(name for name, kind in kinds.items() if kind == "startEvent")
    first = frozenset({(f"at {start}", 1)})
    seen, queue, edges, fired = {first}, deque([first]), {}, set()
    finals = set()
    while queue:
        marking = queue.popleft()
        if len(seen) > 4000:
            return None
        tokens = Counter(dict(marking))
        after = set()
        for name, kind in kinds.items():
            ins = [f for f, (_, target) in flows.items() if target == name]
            outs = [f for f, (source, _) in flows.items() if source == name]
            if kind == "parallelGateway":
                takes = [ins] if ins and all(tokens[f] for f in ins) else []
            else:
                takes = [[f] for f in [*ins, f"at {name}"] if tokens[f] and (kind != "endEvent" or f in ins)]
            gives = [[f] for f in outs] if kind == "exclusiveGateway" else [outs]
            if kind == "endEvent":
                gives = [[f"end {name}"]]
            for take in takes:
                for give in gives:
                    fired.add(name)
                    left = tokens.copy()
                    left.subtract(take)
                    left.update(give)
                    if any(count > 1 for count in left.values()):
                        return False
                    after.add(frozenset((f, count) for f, count in left.items() if count))
        edges[marking] = after
        if not after:
            if any(not place.startswith("end ") for place, _ in marking):
                return False
            finals.add(marking)
        for each in after - seen:
            seen.add(each)
            queue.append(each)
    good = set(finals)
    changed = True
    while changed:
        more = {marking for marking, after in edges.items() if marking not in good and after & good}
        changed = bool(more)
        good |= more
    return good == seen and fired == set(kinds)
