"""Decision tables (DMN): read once, every cell compiled, hit policies honoured.

Cells are our own condition language in the short form of decision tables: `-`, `"a"`, `"a","b"`,
`not("a")`, `>= 5`, `[1..5]`, `true`. Whatever else a cell holds is refused when the table is read, because
a cell that silently never matches would be a wrong answer in law.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lxml import etree

from decision_flow.engine.markup import parse_xml
from decision_flow.errors import N_, Invalid, ProcedureFault
from decision_flow.expressions import Expression, compile_expression

POLICIES = ("UNIQUE", "FIRST", "ANY", "PRIORITY", "COLLECT", "RULE ORDER", "OUTPUT ORDER")
AGGREGATIONS: dict[str, Callable[[list[Any]], Any]] = {"SUM": sum, "COUNT": len, "MIN": min, "MAX": max}
_COMPARISON = re.compile(r"^(>=|<=|!=|>|<|==|=)\s*(.+)$", re.S)
_RANGE = re.compile(r"^([\[\(\]])\s*(.+?)\s*\.\.\s*(.+?)\s*([\]\)\[])$", re.S)
# What is no single value, though it is an expression.
_TESTS = (ast.Tuple, ast.List, ast.BoolOp, ast.Compare, ast.IfExp)
_NOT = re.compile(r"^not\s*\((.+)\)$", re.S)


@dataclass(frozen=True)
class Rule:
    """One row: a condition for each input (None: any value) and an expression for each output."""

    id: str
    conditions: tuple[Expression | None, ...]
    results: tuple[Expression, ...]


@dataclass(frozen=True)
class DecisionTable:
    """One decision table, ready to be asked."""

    id: str
    policy: str
    inputs: tuple[Expression, ...]
    outputs: tuple[str, ...]
    rules: tuple[Rule, ...]
    aggregation: str = ""
    # For PRIORITY and OUTPUT ORDER: per output its values, the highest priority first.
    ranks: tuple[tuple[Any, ...], ...] = ()
    # Per input the condition that its values keep to (None: any value).
    allowed: tuple[Expression | None, ...] = ()

    def decide(self, names: Mapping[str, Any], functions: Mapping[str, Any]) -> Any:
        """Return the outputs of the matching row as a mapping, {} without a match.

        COLLECT, RULE ORDER and OUTPUT ORDER give a list of such mappings; COLLECT with an aggregation gives
        one mapping with the sum, count, lowest or highest value (without a match: 0 for SUM and COUNT,
        otherwise {}). Raises `ProcedureFault` when two rows of a UNIQUE table match, rows of an ANY
        table disagree, or a value is not one that its input allows.
        """
        values = [expression.evaluate(names, functions) for expression in self.inputs]
        for expression, allowed, value in zip(self.inputs, self.allowed, values, strict=False):
            if allowed is not None and not allowed.evaluate({"value": value, **names}, functions):
                raise ProcedureFault(
                    N_("决策表“%(table)s”的输入“%(input)s”不能是“%(value)s”。请联系程序管理人员。"),
                    element=self.id,
                    table=self.id,
                    input=expression.text,
                    value=value,
                )
        hits = []
        for rule in self.rules:
            if all(
                condition is None or condition.evaluate({"value": value, **names}, functions)
                for condition, value in zip(rule.conditions, values, strict=True)
            ):
                hits.append(
                    {
                        name: result.evaluate(names, functions)
                        for name, result in zip(self.outputs, rule.results, strict=True)
                    }
                )
                if self.policy == "FIRST":
                    break
        if self.aggregation:
            return self._aggregate([hit[self.outputs[0]] for hit in hits])
        if self.policy in ("PRIORITY", "OUTPUT ORDER"):
            hits.sort(key=self._rank)
        if self.policy in ("COLLECT", "RULE ORDER", "OUTPUT ORDER"):
            return hits
        if self.policy in ("UNIQUE", "ANY") and len(hits) > 1 and (self.policy == "UNIQUE" or _differ(hits)):
            raise ProcedureFault(
                N_("决策表“%(table)s”有多行同时符合，无法得出唯一结果。请联系程序管理人员。"),
                element=self.id,
                table=self.id,
            )
        return hits[0] if hits else {}

    def _aggregate(self, values: list[Any]) -> dict[str, Any]:
        if not values and self.aggregation in ("MIN", "MAX"):
            return {}
        if self.aggregation != "COUNT" and any(type(value) not in (int, float, Decimal) for value in values):
            raise ProcedureFault(
                N_("决策表“%(table)s”要合计的结果不是数字。请联系程序管理人员。"), element=self.id, table=self.id
            )
        return {self.outputs[0]: AGGREGATIONS[self.aggregation](values)}

    def _rank(self, hit: Mapping[str, Any]) -> tuple[int, ...]:
        return tuple(
            values.index(hit[name]) if hit[name] in values else len(values)
            for name, values in zip(self.outputs, self.ranks, strict=True)
        )


def _differ(hits: list[dict[str, Any]]) -> bool:
    return any(hit != hits[0] for hit in hits)


def read_tables(files: Mapping[str, bytes]) -> dict[str, DecisionTable]:
    """Return the tables of `files` by decision id. Raises `Invalid` naming file and cell."""
    tables: dict[str, DecisionTable] = {}
    for name, content in files.items():
        tree = parse_xml(name, content)
        for decision in tree.iter("{*}decision"):
            identity, table = decision.get("id", ""), decision.find("{*}decisionTable")
            if table is None:
                raise Invalid(N_("决策“%(table)s”不是决策表，不能运行。"), table=identity)
            if identity in tables:
                raise Invalid(N_("决策表“%(table)s”出现了两次。"), table=identity)
            _refuse_what_is_passed_over(identity, decision)
            tables[identity] = _read_table(name, identity, table)
    return tables


def _refuse_what_is_passed_over(identity: str, decision: etree._Element) -> None:
    """Refuse by name what other engines act on: decisions that ask others, default outputs, other languages."""
    for node in decision.iter("{*}requiredDecision", "{*}requiredKnowledge", "{*}defaultOutputEntry"):
        raise Invalid(
            N_("决策表“%(table)s”中的 %(name)s 不会起作用，请删去。"), table=identity, name=etree.QName(node).localname
        )
    for node in decision.iter("{*}text"):
        if len(node):
            raise Invalid(
                N_("决策表“%(table)s”中的 %(name)s 不会起作用，请删去。"),
                table=identity,
                name=etree.QName(node[0]).localname,
            )
    for node in decision.iter():
        for name in node.attrib:
            if name.endswith("}inputVariable"):
                raise Invalid(
                    N_("决策表“%(table)s”中的 %(name)s 不会起作用，请删去。"), table=identity, name="inputVariable"
                )
        language = str(node.get("expressionLanguage", "feel"))
        if "feel" not in language.lower():
            raise Invalid(N_("决策表“%(table)s”的表达式语言 %(name)s 不能运行。"), table=identity, name=language)


def _read_table(file: str, decision_id: str, table: etree._Element) -> DecisionTable:
    policy = table.get("hitPolicy", "UNIQUE")
    aggregation = table.get("aggregation", "")
    if policy not in POLICIES or (aggregation and (policy != "COLLECT" or aggregation not in AGGREGATIONS)):
        raise Invalid(
            N_("决策表“%(table)s”的命中策略 %(policy)s 不能运行。"),
            table=decision_id,
            policy=f"{policy} {aggregation}".strip(),
        )
    inputs = tuple(
        _compile(file, entry.findtext("{*}inputExpression/{*}text") or "") for entry in table.iterfind("{*}input")
    )
    outputs = tuple(entry.get("name", "") for entry in table.iterfind("{*}output"))
    if not outputs or len(set(outputs)) != len(outputs) or not all(outputs):
        raise Invalid(N_("决策表“%(table)s”的输出列需要各不相同的名称。"), table=decision_id)
    if aggregation and len(outputs) != 1:
        raise Invalid(N_("决策表“%(table)s”要合计，只能有一个输出列。"), table=decision_id)
    ranks = tuple(_ranks(file, entry) for entry in table.iterfind("{*}output"))
    if policy in ("PRIORITY", "OUTPUT ORDER") and not all(ranks):
        raise Invalid(N_("决策表“%(table)s”按优先级取结果，每个输出列都要列出取值的先后。"), table=decision_id)
    rules = []
    constants = [{_key(value) for value in values} for values in ranks]
    for row in table.iterfind("{*}rule"):
        cells = [entry.findtext("{*}text") or "" for entry in row.iterfind("{*}inputEntry")]
        results = [entry.findtext("{*}text") or "null" for entry in row.iterfind("{*}outputEntry")]
        if len(cells) != len(inputs) or len(results) != len(outputs):
            raise Invalid(N_("决策表“%(table)s”有一行的列数不符。"), table=decision_id)
        told = tuple(_compile(file, result) for result in results)
        for result, among in zip(told, constants, strict=True):
            if among and not result.names() and not result.functions and _key(result.evaluate({}, {})) not in among:
                raise Invalid(
                    N_("决策表“%(table)s”的结果“%(cell)s”不在输出列的取值之中。"),
                    table=decision_id,
                    cell=result.text,
                )
        rules.append(Rule(row.get("id", ""), tuple(_condition(file, cell) for cell in cells), told))
    allowed = tuple(_condition(file, allowed_of(entry)) for entry in table.iterfind("{*}input"))
    return DecisionTable(decision_id, policy, inputs, outputs, tuple(rules), aggregation, ranks, allowed)


def allowed_of(entry: etree._Element) -> str:
    """Return the values that an input of a table allows, written like a cell; an empty text allows any."""
    return (entry.findtext("{*}inputValues/{*}text") or "").strip()


def _key(value: Any) -> tuple[str, str]:
    return type(value).__name__, repr(value)


def _ranks(file: str, output: etree._Element) -> tuple[Any, ...]:
    text = output.findtext("{*}outputValues/{*}text")
    return tuple(_compile(file, f"[{text}]").evaluate({}, {})) if text and text.strip() else ()


def condition_of(cell: str) -> Expression | None:
    """Return a cell as a condition over `value`, None for any value. Raises `Invalid` for what no row can hold."""
    return _condition("", cell)


def _condition(file: str, cell: str) -> Expression | None:
    text = cell.strip()
    if text in ("", "-"):
        return None
    if match := _NOT.match(text):
        return _compile(file, f"not ({_tests(file, text, match[1])})", told=text)
    return _compile(file, _tests(file, text, text), told=text)


def _tests(file: str, cell: str, text: str) -> str:
    """Rewrite a cell as an expression over `value`: several tests with commas between them mean any of them."""
    parts = _parts(text)
    told = [test for part in parts if (test := _test(file, cell, part))]
    values = [_plain(file, cell, part) for part in parts if not _test(file, cell, part)]
    return " or ".join([f"({test})" for test in told] + ([f"(value in [{', '.join(values)}])"] if values else []))


def _parts(text: str) -> list[str]:
    """Return the tests of a cell: what stands between the commas that lie in no text and no brackets."""
    parts, depth, quote = [""], 0, ""
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote and text[place - 1] != "\\" else quote
        elif sign in "\"'":
            quote = sign
        # A range may end with an opening bracket: `[1..5[`.
        elif sign in "([" or (sign == "]" and not parts[-1].strip()):
            depth += -1 if depth and ".." in parts[-1] and sign == "[" else 1
        elif sign in ")]":
            depth -= 1
        elif sign == "," and depth <= 0:
            parts.append("")
            continue
        parts[-1] += sign
    return [part.strip() for part in parts]


def _test(file: str, cell: str, text: str) -> str:
    """Return a comparison or a range over `value`, an empty text for what is a value itself."""
    if match := _COMPARISON.match(text):
        sign = "==" if match[1] == "=" else match[1]
        return f"value {sign} {_plain(file, cell, match[2])}"
    if match := _RANGE.match(text):
        low = "<=" if match[1] == "[" else "<"
        high = "<=" if match[4] == "]" else "<"
        return f"{_plain(file, cell, match[2])} {low} value {high} {_plain(file, cell, match[3])}"
    return ""


def _plain(file: str, cell: str, text: str) -> str:
    """Return `text` in brackets when it is one value. `not("a")` beside another test, `5 or 7` and `x > 5` are none."""
    _compile(file, text, told=cell)
    body = ast.parse(text.strip(), mode="eval").body
    if isinstance(body, _TESTS) or (isinstance(body, ast.UnaryOp) and isinstance(body.op, ast.Not)):
        raise _refusal(file, cell)
    return f"({text})" if isinstance(body, ast.BinOp) else text.strip()


def _compile(file: str, text: str, told: str = "") -> Expression:
    try:
        return compile_expression(text.strip())
    except Invalid as error:
        raise _refusal(file, told or text) from error


def _refusal(file: str, cell: str) -> Invalid:
    return Invalid(N_("决策表文件“%(file)s”的单元格“%(cell)s”不能使用。"), file=file, cell=cell)
