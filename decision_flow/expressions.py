"""Our condition language: a whitelisted expression tree, interpreted here and never handed to Python.

Written like Python's simple expressions: names, dotted names (`F06.is_technical` looks into mappings,
never at attributes), literals, comparison, `and or not`, `+ - * /`, `a if c else b`, lists, and calls of
named functions. Used by gateways, timers, due dates, decision tables and forms. Whatever is not listed in
`_Compiler` does not compile, and sizes, depth and steps are bounded, so that an expression from a stranger
is harmless.
"""

from __future__ import annotations

import ast
import io
import operator
import tokenize
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

from decision_flow.errors import N_, DecisionFlowError, Invalid, Text

MAX_LENGTH = 2000
MAX_NODES = 400
MAX_DEPTH = 40
MAX_NUMBER = 10**15
MAX_ITEMS = 10_000

Names = Mapping[str, Any]
Node = Callable[[Names, Names], Any]


class ExpressionError(DecisionFlowError):
    """An expression could not be evaluated: a name is missing or the kinds of values do not fit."""

    code = "expression"


class Expression:
    """A compiled expression. Immutable and safe to share between threads."""

    def __init__(self, text: str, node: Node, names: frozenset[str], functions: frozenset[str]) -> None:
        self.text = text
        self.functions = functions
        self._node = node
        self._names = names

    def evaluate(self, names: Names, functions: Names | None = None) -> Any:
        """Return the value with `names` as data and `functions` besides the built-in ones.

        Raises `ExpressionError` when a name is missing or values do not fit together.
        """
        try:
            value = self._node(names, {} if functions is None else functions)
            # Also one that was only passed on: what is no number, or too large, decides nothing.
            return _number(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        except DecisionFlowError:
            raise
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
            raise ExpressionError(
                N_("表达式“%(text)s”不能计算：%(reason)s"), text=self.text, reason=str(error)
            ) from error

    def names(self) -> frozenset[str]:
        """Return the dotted names that the expression reads."""
        return self._names


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Compile `text`. Raises `Invalid`, saying what is not allowed."""
    if len(text) > MAX_LENGTH:
        raise _refusal(text, N_("超过长度限制"))
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _refusal(text, N_("写法有误")) from error
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise _refusal(text, N_("过于复杂"))
    if _side_by_side(text):
        raise _refusal(text, N_("两段文字之间缺少逗号或运算"))
    compiler = _Compiler(text)
    node = compiler.visit(tree.body, 0)
    return Expression(text, node, frozenset(compiler.names), frozenset(compiler.functions))


def _side_by_side(text: str) -> bool:
    """Whether two texts stand side by side: Python would take them for one, and a forgotten comma for none."""
    if text.count('"') + text.count("'") < 4:
        return False
    kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(text.strip()).readline)]
    kinds = [kind for kind in kinds if kind not in (tokenize.NL, tokenize.NEWLINE)]
    return any(one == other == tokenize.STRING for one, other in pairwise(kinds))


def _refusal(text: str, reason: str) -> Invalid:
    return Invalid(
        N_("表达式“%(text)s”不能使用：%(reason)s。"),
        text=text[:120],
        reason=reason if isinstance(reason, Text) else Text.of(reason),
    )


_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda left, right: _equal(left, right),
    ast.NotEq: lambda left, right: not _equal(left, right),
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: lambda left, right: _equal(left, right),
    ast.IsNot: lambda left, right: not _equal(left, right),
    ast.In: lambda left, right: _within(left, right),
    ast.NotIn: lambda left, right: not _within(left, right),
}
_WORDS = {"true": True, "false": False, "null": None}


class _Compiler:
    """Turns the allowed nodes of Python's syntax tree into closures and refuses all others by name."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self.functions: set[str] = set()

    def visit(self, node: ast.expr, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _refusal(self.text, N_("嵌套过深"))
        build = getattr(self, f"_{type(node).__name__.lower()}", None)
        if build is None:
            raise _refusal(self.text, Text.of(N_("含有不允许的成分 %s"), type(node).__name__))
        built: Node = build(node, depth + 1)
        return built

    def _constant(self, node: ast.Constant, depth: int) -> Node:
        value = node.value
        if not (value is None or isinstance(value, bool | int | float | str)):
            raise _refusal(self.text, N_("含有不允许的常量"))
        if isinstance(value, int | float) and abs(value) > MAX_NUMBER:
            raise _refusal(self.text, N_("数字过大"))
        return lambda names, functions: value

    def _name(self, node: ast.Name, depth: int) -> Node:
        key = node.id
        if key in _WORDS:
            constant = _WORDS[key]
            return lambda names, functions: constant
        if key.startswith("__"):
            raise _refusal(self.text, N_("名称不允许以下划线开头"))
        self.names.add(key)
        return lambda names, functions: _look_up(names, key)

    def _attribute(self, node: ast.Attribute, depth: int) -> Node:
        path = _dotted(node)
        if path is None:
            raise _refusal(self.text, N_("“.”只能用于名称"))
        if any(part.startswith("_") for part in path):
            raise _refusal(self.text, N_("名称不允许以下划线开头"))
        self.names.add(".".join(path))
        return lambda names, functions: _look_up_path(names, path)

    def _subscript(self, node: ast.Subscript, depth: int) -> Node:
        if not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, int | str):
            raise _refusal(self.text, N_("下标只能是常量"))
        value, index = self.visit(node.value, depth), node.slice.value
        return lambda names, functions: _container(value(names, functions))[index]

    def _compare(self, node: ast.Compare, depth: int) -> Node:
        first = self.visit(node.left, depth)
        rest = [
            (_COMPARE[type(kind)], self.visit(right, depth))
            for kind, right in zip(node.ops, node.comparators, strict=True)
        ]

        def evaluate(names: Names, functions: Names) -> bool:
            left = first(names, functions)
            for compare, build in rest:
                right = build(names, functions)
                if not compare(left, right):
                    return False
                left = right
            return True

        return evaluate

    def _boolop(self, node: ast.BoolOp, depth: int) -> Node:
        parts = [self.visit(value, depth) for value in node.values]
        stop = isinstance(node.op, ast.Or)

        def evaluate(names: Names, functions: Names) -> Any:
            value: Any = None
            for part in parts:
                value = part(names, functions)
                if bool(value) is stop:
                    return value
            return value

        return evaluate

    def _unaryop(self, node: ast.UnaryOp, depth: int) -> Node:
        value = self.visit(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return lambda names, functions: not value(names, functions)
        if isinstance(node.op, ast.USub):
            return lambda names, functions: -_number(value(names, functions))
        raise _refusal(self.text, N_("含有不允许的运算"))

    def _binop(self, node: ast.BinOp, depth: int) -> Node:
        left, right = self.visit(node.left, depth), self.visit(node.right, depth)
        operations: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
            ast.Add: operator.add,
            ast.Sub: operator.sub,
            ast.Mult: operator.mul,
            ast.Div: operator.truediv,
        }
        apply = operations.get(type(node.op))
        if apply is None:
            raise _refusal(self.text, N_("含有不允许的运算"))

        def evaluate(names: Names, functions: Names) -> Any:
            value = apply(_number(left(names, functions)), _number(right(names, functions)))
            return _number(value)

        return evaluate

    def _ifexp(self, node: ast.IfExp, depth: int) -> Node:
        test, yes, no = (self.visit(part, depth) for part in (node.test, node.body, node.orelse))
        return lambda names, functions: yes(names, functions) if test(names, functions) else no(names, functions)

    def _list(self, node: ast.List | ast.Tuple, depth: int) -> Node:
        parts = [self.visit(value, depth) for value in node.elts]
        return lambda names, functions: [part(names, functions) for part in parts]

    _tuple = _list

    def _call(self, node: ast.Call, depth: int) -> Node:
        if not isinstance(node.func, ast.Name) or node.func.id.startswith("_") or node.keywords:
            raise _refusal(self.text, N_("只能调用规定的函数"))
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            raise _refusal(self.text, Text.of(N_("含有不允许的成分 %s"), "Starred"))
        name = node.func.id
        arguments = [self.visit(argument, depth) for argument in node.args]
        self.functions.add(name)
        if name in ("exists", "empty"):
            return self._presence(name, arguments, node.args)

        def evaluate(names: Names, functions: Names) -> Any:
            function = BUILT_IN.get(name) or functions.get(name)
            if function is None:
                raise ExpressionError(N_("没有函数“%(name)s”。"), name=name)
            return function(*(argument(names, functions) for argument in arguments))

        return evaluate

    def _presence(self, name: str, arguments: list[Node], written: list[ast.expr]) -> Node:
        if len(arguments) != 1:
            raise _refusal(self.text, Text.of(N_("%s 只接受一个参数"), name))
        value = arguments[0]
        # `exists("F06.x")` names a path in a text, which a model can hold without reading it.
        by_path = name == "exists" and isinstance(written[0], ast.Constant) and isinstance(written[0].value, str)
        path = tuple(str(getattr(written[0], "value", "")).split("."))

        def evaluate(names: Names, functions: Names) -> bool:
            try:
                found = _look_up_path(names, path) if by_path else value(names, functions)
            except ExpressionError:
                found = None
            if by_path:
                return found is not None
            present = found is not None and found != "" and found != [] and found != {}
            return present if name == "exists" else not present

        return evaluate


def _dotted(node: ast.expr) -> tuple[str, ...] | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else None


def _look_up(names: Names, key: str) -> Any:
    try:
        return names[key]
    except KeyError:
        raise ExpressionError(N_("没有名称“%(name)s”。"), name=key) from None


def _look_up_path(names: Names, path: tuple[str, ...]) -> Any:
    value: Any = names
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            raise ExpressionError(N_("没有名称“%(name)s”。"), name=".".join(path))
        value = value[part]
    return value


def _equal(left: Any, right: Any) -> bool:
    """Whether two values are the same. A date never is the text that writes it, which would be a silent no."""
    if (isinstance(left, date) and isinstance(right, str)) or (isinstance(left, str) and isinstance(right, date)):
        raise ExpressionError(N_("日期不能和文字比较，请把文字写成 date(…)。"))
    # Nor is yes a one, as it would be in Python.
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _within(value: Any, container: Any) -> bool:
    if isinstance(container, list):
        return any(_equal(value, each) for each in container)
    return value in _container(container)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        try:
            value = float(value) if isinstance(value, str) else None
        except ValueError:
            value = None
        if value is None:
            raise ExpressionError(N_("只有数字可以运算。"))
    if not abs(value) <= MAX_NUMBER:
        # Neither is what is no number at all, though Python has a float for it.
        raise ExpressionError(N_("数字过大。"))
    return value


def _container(value: Any) -> Any:
    if not isinstance(value, Sequence | Mapping):
        raise ExpressionError(N_("只能在列表或文字中查找。"))
    return value


def _rows(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MAX_ITEMS:
        raise ExpressionError(N_("需要一个列表。"))
    return value


def _field(row: Any, field: str) -> Any:
    return row.get(field) if isinstance(row, Mapping) else None


def _matching(rows: Any, field: str, value: Any) -> int:
    return sum(1 for row in _rows(rows) if _field(row, field) == value)


def _as_date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])


BUILT_IN: dict[str, Callable[..., Any]] = {
    "len": lambda value: len(_container(value)) if value is not None else 0,
    "sum": lambda values: sum(_number(value) for value in _rows(values)),
    "min": lambda *values: min(_rows(values[0]) if len(values) == 1 else values),
    "max": lambda *values: max(_rows(values[0]) if len(values) == 1 else values),
    "any_of": lambda rows, field, value: _matching(rows, field, value) > 0,
    "count": _matching,
    "total": lambda rows, field: sum(_number(_field(row, field) or 0) for row in _rows(rows)),
    "pluck": lambda rows, field: [_field(row, field) for row in _rows(rows)],
    "number": lambda value: _number(value),
    "date": _as_date,
    "days_between": lambda first, second: (_as_date(second) - _as_date(first)).days,
}
