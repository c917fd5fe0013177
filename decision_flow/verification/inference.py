"""The kind of an expression's value over named data, and what in it cannot be meant."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from decision_flow.errors import Invalid
from decision_flow.expressions import compile_expression
from decision_flow.verification.kinds import ANY, DATE, NONE, NUMBER, TEXT, TRUTH, Kind, either

ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
# Kinds that Python holds as the same type, so that comparing them is at least not always false.
FAMILY = {"text": "text", "choice": "text", "day": "text", "moment": "text", "money": "text"}
DATELIKE = ("any", "text", "day", "moment", "date")
LISTS = ("any", "list", "rows")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
Look = Callable[[tuple[str, ...], bool], Kind | str]


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.expr | None:
    """Return the tree of an expression that the engine would evaluate, None for one that it refuses."""
    try:
        return ast.parse(compile_expression(text.strip()).text.strip(), mode="eval").body
    except (Invalid, SyntaxError):
        return None


@dataclass
class Inference:
    """Works out kinds. `look` answers for a dotted name (and whether it is only asked for) a kind or a complaint."""

    look: Look
    problems: list[str] = field(default_factory=list)
    guarded: frozenset[str] = frozenset()

    def kind(self, text: str) -> Kind:
        """Return the kind of `text`, adding to `problems`. What does not compile is left to the compiler."""
        tree = parse(text)
        return ANY if tree is None else self._of(tree)

    def _say(self, problem: str) -> Kind:
        if problem not in self.problems:
            self.problems.append(problem)
        return ANY

    def _of(self, node: ast.expr) -> Kind:
        find = getattr(self, f"_{type(node).__name__.lower()}", None)
        found: Kind = find(node) if find is not None else ANY
        return found

    def _constant(self, node: ast.Constant) -> Kind:
        if isinstance(node.value, bool):
            return TRUTH
        if isinstance(node.value, int | float):
            return NUMBER
        return TEXT if isinstance(node.value, str) else NONE

    def _name(self, node: ast.Name) -> Kind:
        words = {"true": TRUTH, "false": TRUTH, "null": NONE}
        return words[node.id] if node.id in words else self._path((node.id,))

    def _attribute(self, node: ast.Attribute) -> Kind:
        return self._path(tuple(ast.unparse(node).split(".")))

    def _path(self, path: tuple[str, ...], *, asked: bool = False) -> Kind:
        found = self.look(path, asked or path[0] in self.guarded)
        return found if isinstance(found, Kind) else self._say(found)

    def _subscript(self, node: ast.Subscript) -> Kind:
        value = self._of(node.value)
        if value.name == "rows" and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            return Kind("record", columns=value.columns)
        return value.entry or ANY

    def _boolop(self, node: ast.BoolOp) -> Kind:
        """What follows `exists(…) and` or `not exists(…) or` is only worked out where the name is there."""
        before, kinds = self.guarded, []
        for value in node.values:
            kinds.append(self._of(value))
            self.guarded |= _guards(value, there=isinstance(node.op, ast.And))
        self.guarded = before
        return either(kinds)

    def _unaryop(self, node: ast.UnaryOp) -> Kind:
        kind = self._of(node.operand)
        if isinstance(node.op, ast.Not):
            return TRUTH
        self._calculates(node.operand, kind)
        return NUMBER

    def _binop(self, node: ast.BinOp) -> Kind:
        for part in (node.left, node.right):
            self._calculates(part, self._of(part))
        return NUMBER

    def _calculates(self, node: ast.expr, kind: Kind) -> None:
        if kind.name not in ("any", "number", "money"):
            self._say(f"“{ast.unparse(node)}”是{kind.label}，不能计算")

    def _ifexp(self, node: ast.IfExp) -> Kind:
        self._of(node.test)
        return either((self._of(node.body), self._of(node.orelse)))

    def _list(self, node: ast.List) -> Kind:
        return Kind("list", entry=either([self._of(part) for part in node.elts]))

    _tuple = _list

    def _compare(self, node: ast.Compare) -> Kind:
        left = node.left
        kind = self._of(left)
        for sign, right in zip(node.ops, node.comparators, strict=True):
            other = self._of(right)
            if isinstance(sign, ast.In | ast.NotIn):
                self._member(left, kind, right, other)
            elif isinstance(sign, ORDER):
                self._ordered(left, kind, right, other)
            else:
                self._equal(left, kind, right, other)
            left, kind = right, other
        return TRUTH

    def _equal(self, left: ast.expr, one: Kind, right: ast.expr, other: Kind) -> None:
        names = {one.name, other.name}
        if names & {"any", "none"}:
            return
        if names == {"money", "number"}:
            self._say(f"“{ast.unparse(left)}”和“{ast.unparse(right)}”要比较大小，金额应当写成 number(…)")
        elif FAMILY.get(one.name, one.name) != FAMILY.get(other.name, other.name):
            self._say(f"“{ast.unparse(left)}”是{one.label}，“{ast.unparse(right)}”是{other.label}，两者永远不会相等")
        elif "choice" in names:
            self._chosen(left, one, right, other)
        elif names == {"day", "text"}:
            for written in (left, right):
                if isinstance(written, ast.Constant) and not _DAY.match(str(written.value)):
                    self._say(f"“{written.value!s}”不是日期")

    def _chosen(self, left: ast.expr, one: Kind, right: ast.expr, other: Kind) -> None:
        for node, kind, choice, asked in ((left, one, other, right), (right, other, one, left)):
            if choice.name != "choice" or not choice.options:
                continue
            if isinstance(node, ast.Constant) and node.value not in choice.options:
                self._say(f"“{ast.unparse(asked)}”没有“{node.value!s}”这一选项，有：{_listed(choice)}")
            elif kind.options and not kind.options & choice.options:
                self._say(f"“{ast.unparse(left)}”和“{ast.unparse(right)}”没有相同的选项")
                return

    def _ordered(self, left: ast.expr, one: Kind, right: ast.expr, other: Kind) -> None:
        for node, kind in ((left, one), (right, other)):
            if kind.name == "money":
                self._say(f"“{ast.unparse(node)}”是金额，比较大小应当写成 number({ast.unparse(node)})")
                return
            if kind.name not in ("any", "number", "text", "day", "moment", "date"):
                self._say(f"“{ast.unparse(node)}”是{kind.label}，不能比较大小")
                return
        families = {FAMILY.get(kind.name, kind.name) for kind in (one, other)} - {"any"}
        if len(families) > 1:
            self._say(f"“{ast.unparse(left)}”是{one.label}，“{ast.unparse(right)}”是{other.label}，不能比较大小")

    def _member(self, left: ast.expr, one: Kind, right: ast.expr, other: Kind) -> None:
        if isinstance(right, ast.List | ast.Tuple):
            for part in right.elts:
                self._equal(left, one, part, self._of(part))
        elif other.name == "list" and other.entry is not None:
            self._equal(left, one, right, other.entry)
        elif other.name == "text" and FAMILY.get(one.name, one.name) not in ("any", "none", "text"):
            self._say(f"“{ast.unparse(left)}”是{one.label}，不能在文字中查找")
        elif other.name not in ("any", "list", "text", "record"):
            self._say(f"“{ast.unparse(right)}”是{other.label}，不能在其中查找")

    def _call(self, node: ast.Call) -> Kind:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("exists", "empty"):
            return self._asked(node)
        kinds = [self._of(argument) for argument in node.args]
        if name not in FUNCTIONS:
            return self._say(f"没有函数“{name}”")
        least, most, result, wanted = FUNCTIONS[name]
        if not least <= len(kinds) <= most:
            return self._say(f"函数 {name} 的参数个数不对")
        for argument, kind, names in zip(node.args, kinds, wanted, strict=False):
            if names and kind.name not in names:
                self._say(f"函数 {name} 不能用于“{ast.unparse(argument)}”（{kind.label}）")
        if name in ("any_of", "count", "total", "pluck"):
            return self._column(name, node, kinds)
        if name in ("min", "max"):
            return (kinds[0].entry or ANY) if len(kinds) == 1 else either(kinds)
        return result

    def _asked(self, node: ast.Call) -> Kind:
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                self._path(tuple(argument.value.split(".")), asked=True)
            elif isinstance(argument, ast.Name | ast.Attribute):
                self._path(tuple(ast.unparse(argument).split(".")), asked=True)
            else:
                self._of(argument)
        return TRUTH

    def _column(self, name: str, node: ast.Call, kinds: list[Kind]) -> Kind:
        written = node.args[1]
        column = ANY
        if kinds[0].columns is not None and isinstance(written, ast.Constant):
            if written.value not in kinds[0].columns:
                return self._say(f"“{ast.unparse(node.args[0])}”没有“{written.value!s}”这一列")
            column = kinds[0].columns[str(written.value)]
        if name in ("any_of", "count"):
            self._equal(ast.Name(str(getattr(written, "value", ""))), column, node.args[2], kinds[2])
        elif name == "total" and column.name not in ("any", "number", "money"):
            self._say(f"“{getattr(written, 'value', '')}”是{column.label}，不能合计")
        results = {"any_of": TRUTH, "count": NUMBER, "total": NUMBER, "pluck": Kind("list", entry=column)}
        return results[name]


def _guards(node: ast.expr, *, there: bool) -> frozenset[str]:
    """Return the names that are there when `node` came out true (`there`), or when it came out false."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _guards(node.operand, there=not there)
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) is there:
        return frozenset().union(*(_guards(value, there=there) for value in node.values))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        told = node.args[0]
        path = told.value if isinstance(told, ast.Constant) else ast.unparse(told)
        if node.func.id == ("exists" if there else "empty"):
            return frozenset({str(path).split(".")[0]})
    return frozenset()


def _listed(kind: Kind) -> str:
    return "、".join(sorted(kind.options)[:12])


_COUNTED = ("any", "number")
# What an expression may call: fewest and most arguments, the kind of the result, and of each argument ("" for any).
FUNCTIONS: dict[str, tuple[int, int, Kind, tuple[tuple[str, ...], ...]]] = {
    "len": (1, 1, NUMBER, (("any", "none", "list", "rows", "text", "record"),)),
    "sum": (1, 1, NUMBER, (("any", "list"),)),
    "min": (1, 9, ANY, ()),
    "max": (1, 9, ANY, ()),
    "any_of": (3, 3, TRUTH, (LISTS, ("any", "text"), ())),
    "count": (3, 3, NUMBER, (LISTS, ("any", "text"), ())),
    "total": (2, 2, NUMBER, (LISTS, ("any", "text"))),
    "pluck": (2, 2, ANY, (LISTS, ("any", "text"))),
    "number": (1, 1, NUMBER, (("any", "number", "money", "text"),)),
    "date": (1, 1, DATE, (DATELIKE,)),
    "days_between": (2, 2, NUMBER, (DATELIKE, DATELIKE)),
    "working_days_after": (1, 2, DATE, (_COUNTED, DATELIKE)),
    "days_after": (1, 2, DATE, (_COUNTED, DATELIKE)),
    "months_after": (1, 2, DATE, (_COUNTED, DATELIKE)),
    "days_before": (2, 2, DATE, (DATELIKE, _COUNTED)),
    "today": (0, 0, DATE, ()),
}
