"""Policies: what a procedure has to hold, as TOML files that an office can write itself."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from decision_flow.errors import N_, Invalid
from decision_flow.policies import DECREE, FOLDER, names
from decision_flow.steps import StatutoryStep

KINDS = {
    "step": {"step", "before", "exemption", "exempted_by", "exempted_as"},
    "at_end": {
        "step",
        "exemption",
        "recorded_by",
        "exempted_by",
        "exempted_as",
        "after",
        "decided_by",
        "decided_as",
        "reopened_by",
    },
    "roles_differ": {"forms", "steps"},
    "period": {"form", "days", "until", "reason_field"},
    "deadline": {"step"},
    "form_fields": {"step", "fields"},
}
NEEDED = {
    "step": {"step", "before"}, "at_end": {"step"}, "roles_differ": set(), "period": {"form", "days"},
    "deadline": {"step"}, "form_fields": {"step", "fields"},
}  # fmt: skip
MAX_EXTENDS = 10


@dataclass(frozen=True)
class Requirement:
    """One `[[require]]` table: its kind, its basis, the steps that make it apply, and what the kind needs."""

    kind: str
    basis: str = ""
    when_has: tuple[str, ...] = ()
    told: dict[str, Any] = field(default_factory=dict)

    def steps(self, name: str) -> tuple[str, ...]:
        """Return the value `name`, one or several, as a tuple."""
        value = self.told.get(name, ())
        return (value,) if isinstance(value, str) else tuple(value)


@dataclass(frozen=True)
class Policy:
    """A policy by its id, with all it requires, its own and what it extends."""

    id: str
    title: str = ""
    title_en: str = ""
    version: str = ""
    basis: str = ""
    requirements: tuple[Requirement, ...] = ()


def policies() -> tuple[str, ...]:
    """Return the names of the shipped policies."""
    return names()


def load(name_or_path: str | Path) -> Policy:
    """Return a shipped policy by name, or one from a file. Raises `Invalid` naming what is wrong in it."""
    name = str(name_or_path)
    return _shipped(name) if name in policies() else _load(Path(name_or_path), 0)


@lru_cache(maxsize=64)
def _shipped(name: str) -> Policy:
    return _load(FOLDER / f"{name}.toml", 0)


def default() -> Policy:
    """Return the policy of the decree."""
    return _shipped(DECREE)


def parse(text: str, name: str, depth: int = 0) -> Policy:
    """Return the policy written in `text`; what it extends is looked for among the shipped ones."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(name, str(error)) from error
    extends = told.get("extends", "")
    base: tuple[Requirement, ...] = ()
    if extends:
        if extends not in policies():
            raise _wrong(name, f"extends：没有政策 {extends}")
        base = _load(FOLDER / f"{extends}.toml", depth + 1).requirements
    entries = told.get("require", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _wrong(name, "require 应当写成 [[require]]")
    own = tuple(_requirement(entry, name) for entry in entries)
    return Policy(
        str(told.get("id", name)), str(told.get("title", "")), str(told.get("title_en", "")),
        str(told.get("version", "")), str(told.get("basis", "")), base + own,
    )  # fmt: skip


def _load(path: Path, depth: int) -> Policy:
    if depth > MAX_EXTENDS:
        raise _wrong(path.name, "extends 互相引用")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(path.name, str(error)) from error
    return parse(text, path.stem, depth)


def _requirement(told: dict[str, Any], name: str) -> Requirement:
    kind = told.get("kind", "step")
    if kind not in KINDS:
        raise _wrong(name, f"没有要求种类 {kind}")
    keys = set(told) - {"kind", "basis", "when_has"}
    if keys - KINDS[kind]:
        raise _wrong(name, f"{kind} 没有属性 {'、'.join(sorted(keys - KINDS[kind]))}")
    if NEEDED[kind] - keys:
        raise _wrong(name, f"{kind} 缺少属性 {'、'.join(sorted(NEEDED[kind] - keys))}")
    wanted = [
        told.get("when_has", ()),
        *(told[key] for key in ("step", "before", "steps", "after", "reopened_by") if key in told),
    ]
    steps = [each for value in wanted for each in ((value,) if isinstance(value, str) else value)]
    for step in steps:
        if step not in set(StatutoryStep):
            raise _wrong(name, f"没有法定环节 {step}")
    return Requirement(
        kind, str(told.get("basis", "")), tuple(told.get("when_has", ())), {key: told[key] for key in keys}
    )


def _wrong(name: str, reason: str) -> Invalid:
    return Invalid(N_("政策“%(name)s”不能使用：%(reason)s。"), name=name, reason=reason)
