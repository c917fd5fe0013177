"""Which process data can stand at an element: what a way from the start to it may have filled in.

A form's answers stand under its key once its task is done, a table's under its variable, the answers of a
multi-instance under its list of results. Called processes read what their callers know. Where the same name is
written with different kinds, its kind is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from decision_flow import policies
from decision_flow.engine.decisions import DecisionTable, read_tables
from decision_flow.errors import Invalid
from decision_flow.verification.inference import Look
from decision_flow.verification.kinds import ANY, NUMBER, TEXT, Kind, of_form, of_table
from decision_flow.verification.model import FORM, Model
from decision_flow.verification.scopes import Scope, Source

HEARD = "*"  # Something came with a signal: its names are not known here.
# What the product hands in when a matter begins.
AT_START = {
    "matter": Kind("record", columns={
        "id": NUMBER, "kind": TEXT, "organ_id": NUMBER, "organ_level": TEXT, "entry": TEXT, "decision_id": NUMBER,
    }),
    "policy": Kind("record", columns=dict.fromkeys(policies.decree(), NUMBER)),
    "decision": Kind("record", columns={"id": NUMBER, "number": TEXT}),
    "evaluation": Kind("record", columns={"id": NUMBER, "mode": TEXT, "months": NUMBER, "trigger": TEXT}),
}  # fmt: skip


@lru_cache(maxsize=256)
def _table_file(content: bytes) -> dict[str, DecisionTable]:
    try:
        return read_tables({"": content})
    except Invalid:
        return {}  # The compiler says so.


class Standing:
    """The data of one model, element by element."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.tables = {name: table for file in model.bundle.dmn.values() for name, table in _table_file(file).items()}
        self.forms = {name.replace("-", ""): of_form(told.get("fields", ())) for name, told in model.forms.items()}
        self.kinds: dict[str, Kind] = dict(AT_START)
        # Sets of names are kept as integers, a bit for each name.
        self._places: dict[str, int] = {}
        self._decoded: dict[int, set[str]] = {}
        self._own = {source.id: self._coded(self._produced(source)) for source in model.sources()}
        at_start = {*AT_START, *model.start_forms}
        for form in at_start & set(self.forms):
            self._write(form, self.forms[form])
        self._made: dict[str, int] = {}
        self._before = {source.id: 0 for source in model.sources()}
        self._spread(self._coded(at_start))

    def before(self, element: str) -> set[str]:
        """Return the names that can stand when `element` is reached."""
        return self._names(self._before[element])

    def after(self, source: Source) -> set[str]:
        """Return the names that can stand when `source` is done."""
        return self._names(self._after(source))

    def _after(self, source: Source) -> int:
        return self._before[source.id] | self._own[source.id] | self._inner(source)

    def _coded(self, names: Iterable[str]) -> int:
        found = 0
        for name in names:
            found |= 1 << self._places.setdefault(name, len(self._places))
        return found

    def _names(self, code: int) -> set[str]:
        if code not in self._decoded:
            self._decoded[code] = {name for name, place in self._places.items() if code >> place & 1}
        return self._decoded[code]

    def inside(self, source: Source) -> Mapping[str, Kind]:
        """Return the names that stand in one instance of a multi-instance besides those before it."""
        if source.each is None:
            return {}
        listed = self.look(self.before(source.id), {})(tuple(source.each.collection.split(".")), True)
        entry = ANY
        if isinstance(listed, Kind):
            entry = Kind("record", columns=listed.columns) if listed.name == "rows" else (listed.entry or ANY)
        return {source.each.item: entry}

    def look(self, names: set[str], more: Mapping[str, Kind]) -> Look:
        """Return the look-up over `names` and `more`: a kind, or why there is none."""

        def find(path: tuple[str, ...], asked: bool) -> Kind | str:
            root = path[0]
            kind = more.get(root) or self.kinds.get(root) or (self.forms.get(root) if asked else None)
            if kind is None and asked and FORM.match(root):
                return ANY  # Asked for and not there: nothing is worked out with it.
            if kind is None or (root not in more and root not in names and not asked):
                return self._absent(root, names, kind)
            for part in path[1:]:
                if kind.name == "any" or (kind.name == "record" and kind.columns is None):
                    return ANY
                if kind.name != "record" or kind.columns is None or part not in kind.columns:
                    return f"“{'.'.join(path[: path.index(part)])}”没有“{part}”这一项"
                kind = kind.columns[part]
            if kind.name == "outside":
                return f"“{'.'.join(path)}”是长文字、附件或者签名，不进入程序数据，不能用来判断"
            return kind

        return find

    def _absent(self, root: str, names: set[str], kind: Kind | None) -> Kind | str:
        if HEARD in names and not FORM.match(root):
            return ANY
        if kind is not None:
            return f"走到这里之前不会有“{root}”：填写它的环节在后面，或者在另一条分支上"
        if FORM.match(root):
            return f"没有环节填写表单“{root}”"
        return f"没有名称“{root}”"

    def _write(self, name: str, kind: Kind) -> None:
        known = self.kinds.get(name)
        self.kinds[name] = kind if known is None or known == kind else ANY

    def _produced(self, source: Source) -> set[str]:
        """Write down what `source` leaves in the data, and return its names."""
        found: dict[str, Kind] = {}
        if source.form:
            key = source.form.replace("-", "")
            found[key] = self.forms.get(key, ANY)
        if source.kind == "businessRuleTask":
            table = self.tables.get(source.table)
            found[source.variable] = of_table(table) if table is not None else ANY
        if source.each is not None:
            one = next(iter(found.values()), ANY)
            found = {source.each.results: Kind("rows", columns=one.columns) if one.name == "record" else ANY}
        if source.hears:
            found[HEARD] = ANY
        for name, kind in found.items():
            self._write(name, kind)
        return set(found)

    def _inner(self, source: Source) -> int:
        """Return what the sub-process or called process of `source` may fill in."""
        scope = self._scope_of(source)
        if scope is None:
            return 0
        found = self._made.get(scope.id)
        if found is None:
            self._made[scope.id] = found = 0  # A process that calls itself ends here.
            for each in scope.elements.values():
                found |= self._own[each.id] | self._inner(each)
            self._made[scope.id] = found
        return found if source.each is None else 0

    def _scope_of(self, source: Source) -> Scope | None:
        return self._inside_of.get(source.id) or self.model.used.get(source.called)

    def _spread(self, at_start: int) -> None:
        """Carry the names along the flows until nothing changes."""
        self._inside_of = {name: inner for scope in self.model.scopes() for name, inner in scope.inner.items()}
        follow: dict[str, list[str]] = {}
        sources: dict[str, Source] = {source.id: source for source in self.model.sources()}
        for scope in self.model.scopes():
            for _, origin, target, _ in scope.flows:
                follow.setdefault(origin, []).append(target)
            for source in scope.elements.values():
                if source.attached:
                    follow.setdefault(f"on {source.attached}", []).append(source.id)
        work = [*self._begin(self.model.used[self.model.bundle.main])]
        for name in work:
            self._before[name] |= at_start
        seen: set[str] = set()
        while work:
            source = sources[work.pop()]
            before, after = self._before[source.id], self._after(source)
            steps = [(target, after) for target in follow.get(source.id, ())]
            steps += [(event, before) for event in follow.get(f"on {source.id}", ())]
            inner = self._scope_of(source)
            if inner is not None:
                one = self.inside(source)
                steps += [(name, before | self._coded(one)) for name in self._begin(inner)]
                self.kinds |= {name: kind for name, kind in one.items() if name not in self.kinds}
            for target, names in steps:
                if target in sources and (target not in seen or names & ~self._before[target]):
                    seen.add(target)
                    self._before[target] |= names
                    work.append(target)

    def _begin(self, scope: Scope) -> list[str]:
        coming = {target for _, _, target, _ in scope.flows}
        starts = [source.id for source in scope.elements.values() if source.kind == "startEvent"]
        return starts or [name for name, source in scope.elements.items() if name not in coming and not source.attached]
