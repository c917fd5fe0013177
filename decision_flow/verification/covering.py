"""Do some conditions hold between them whatever the answers are? Tried over every value that makes a difference.

A condition is read as a formula over atoms: names, and whatever is worked out from them, a call or a calculation.
An atom's values are the options of its field, true and false, or the numbers and texts that the conditions name
with one beside and between them. Taking atoms apart that hang together asks for more than is needed, never for less.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise, product
from typing import Any

from decision_flow.errors import DecisionFlowError
from decision_flow.expressions import Expression, compile_expression
from decision_flow.verification.inference import parse

MAX_CASES = 20_000
MAX_CHOSEN = 10
OTHER = "其他"
Fields = Mapping[str, Mapping[str, Any]]  # "F06.is_technical" -> the field as data
ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.IfExp, ast.Subscript)


def gap(conditions: Iterable[str], fields: Fields) -> dict[str, Any] | None:
    """Return values by atom with which no condition holds, or {} when there are too many to tell; None: no gap."""
    atoms = _Atoms()
    compiled: list[Expression] = []
    for text in conditions:
        tree = parse(text)
        if tree is None:
            return {}
        compiled.append(compile_expression(ast.unparse(atoms.visit(ast.parse(ast.unparse(tree), mode="eval").body))))
    try:
        domains = [_values(text, atoms, fields) for text in atoms.names]
    except OverflowError:
        return {}
    cases = 1
    for domain in domains:
        cases *= max(1, len(domain))
    if cases > MAX_CASES:
        return {}
    for values in product(*domains):
        names = {f"atom{number}": value for number, value in enumerate(values)}
        if not any(_holds(expression, names) for expression in compiled):
            return dict(zip(atoms.names, values, strict=True))
    return None


def _holds(expression: Expression, names: Mapping[str, Any]) -> bool:
    try:
        return bool(expression.evaluate(names))
    except DecisionFlowError:
        return False


class _Atoms(ast.NodeTransformer):
    """Puts `atom0`, `atom1` … for the atoms and keeps what each is compared with."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.literals: dict[str, list[Any]] = {}
        self.bare: set[str] = set()
        self.paired: set[str] = set()

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Name) and node.id in ("true", "false", "null"):
            return node
        if isinstance(node, ATOMS):
            text = ast.unparse(node)
            if text not in self.names:
                self.names.append(text)
            self.bare.add(text)
            return ast.Name(f"atom{self.names.index(text)}", ast.Load())
        if isinstance(node, ast.Compare):
            return self._compared(node)
        return self.generic_visit(node)

    def _compared(self, node: ast.Compare) -> ast.AST:
        bare = set(self.bare)
        sides = [node.left, *node.comparators]
        texts = [ast.unparse(side) for side in sides if isinstance(side, ATOMS) and ast.unparse(side) not in _WORDS]
        literals = [value for side in sides for value in _constants(side)]
        for text in texts:
            self.literals.setdefault(text, []).extend(literals)
        if len(texts) > 1:
            self.paired.update(texts)
        made = self.generic_visit(node)
        self.bare = bare
        return made


_WORDS = {"true": True, "false": False, "null": None}


def _constants(node: ast.expr) -> list[Any]:
    if isinstance(node, ast.Constant):
        return [node.value]
    if isinstance(node, ast.Name) and node.id in _WORDS:
        return [_WORDS[node.id]]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        return [-node.operand.value]  # type: ignore[operator]
    if isinstance(node, ast.List | ast.Tuple):
        return [value for part in node.elts for value in _constants(part)]
    return []


def _values(text: str, atoms: _Atoms, fields: Fields) -> list[Any]:
    """Return the values of an atom that can make a difference."""
    literals = list(dict.fromkeys((type(value), value) for value in atoms.literals.get(text, ())))
    told = [value for _, value in literals]
    field = fields.get(text)
    kind = str(field.get("type", "")) if field is not None else ""
    found: list[Any]
    if kind == "bool":
        found = [True, False]
    elif kind == "enum" and field is not None:
        found = [option.get("value") for option in field.get("options", ())]
    elif kind == "multi":
        found = _chosen([value for value in told if isinstance(value, str)], field or {})
    else:
        found = _guessed(text, told, atoms, whole=kind in ("int", "ref") or text.startswith(("len(", "count(")))
        if text.startswith(("len(", "count(")):
            found = [value for value in found if isinstance(value, int) and value >= 0]
    needed = field is None or (field.get("required") and not field.get("visible_if") and not field.get("required_if"))
    return found if needed else [*found, None]


def _chosen(told: list[str], field: Mapping[str, Any]) -> list[Any]:
    """Return every choice of at least one of the options named in the conditions, and one that is not named."""
    options = [str(option.get("value")) for option in field.get("options", ())]
    mentioned = [value for value in told if value in options or not options]
    mentioned += [value for value in options or [OTHER] if value not in mentioned][:1]
    if len(mentioned) > MAX_CHOSEN:
        raise OverflowError
    return [list(some) for size in range(1, len(mentioned) + 1) for some in combinations(mentioned, size)]


def _guessed(text: str, told: list[Any], atoms: _Atoms, *, whole: bool) -> list[Any]:
    numbers = sorted({value for value in told if isinstance(value, int | float) and not isinstance(value, bool)})
    found: list[Any] = []
    if numbers or text in atoms.paired:
        points = {*numbers, 0, 1} if text in atoms.paired else {*numbers}
        for value in sorted(points):
            found += [value - 1, value, value + 1]
        if not whole:
            found += [(low + high) / 2 for low, high in pairwise(sorted(points))]
        found = sorted(set(found))
    texts = [value for value in told if isinstance(value, str)]
    if texts:
        found += [*texts, OTHER]
    if text in atoms.bare or any(isinstance(value, bool) for value in told) or not found:
        found += [True, False]
    if None in told:
        found.append(None)
    return list({(type(value), value): value for value in found}.values())
