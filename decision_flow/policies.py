"""The settings of a policy: every number that the law or a product rule counts by, with its basis and its status.

An overlay (province, city, township) takes over what it does not change; where the law says "at least" it may
only ask for more. What a drawing must contain stands in the same files and is read by `verification.policy`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from decision_flow.errors import N_, Invalid
from decision_flow.resources import BPMN

FOLDER = BPMN / "policies"
DECREE = "decree-713"
STATUSES = ("confirmed", "unconfirmed", "proposed")
MAX_EXTENDS = 10


@dataclass(frozen=True)
class Setting:
    """One number: `unit` of its value, the `basis` it rests on, `status` confirmed, unconfirmed or proposed.

    `shorten` says whether less is possible with a reason ("reason") or not ("no"); `at_least` that an overlay
    may only ask for more; `source` names the policy it comes from.
    """

    key: str
    label: str
    label_en: str
    value: int
    unit: str
    basis: str
    status: str
    shorten: str = "no"
    at_least: bool = False
    source: str = ""


def names() -> tuple[str, ...]:
    """Return the shipped policies by name; what a policy demands and what it counts stand in one file of that name."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def settings(name: str = DECREE) -> Mapping[str, Setting]:
    """Return the settings of a shipped policy with all it extends. Raises `Invalid` naming key and basis."""
    return _settings(FOLDER / f"{name}.toml", 0)


def read(told: Mapping[str, Any], base: Mapping[str, Setting], name: str) -> Mapping[str, Setting]:
    """Return `base` with the settings of one policy laid over it. Raises `Invalid` for what may not be so."""
    found = dict(base)
    for key, row in (told.get("settings") or {}).items():
        value = row.get("value")
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise _wrong(name, key, N_("数值应当是大于0的整数"))
        if row.get("status", "confirmed") not in STATUSES or not row.get("basis"):
            raise _wrong(name, key, N_("应当写明依据和状态"))
        under = base.get(key)
        if under is None:
            found[key] = Setting(
                key, row["label"], row["label_en"], value, row["unit"], row["basis"], row["status"],
                row.get("shorten", "no"), bool(row.get("at_least")), name,
            )  # fmt: skip
            continue
        if under.at_least and value < under.value:
            raise Invalid(
                N_("政策「%(policy)s」的「%(key)s」定为%(value)s,少于%(basis)s要求的%(least)s。只能更严格。"),
                policy=name, key=under.label, value=value, basis=under.basis, least=under.value,
            )  # fmt: skip
        found[key] = replace(
            under, value=value, basis=row["basis"], status=row.get("status", under.status), source=name
        )
    return found


def _settings(path: Path, depth: int) -> Mapping[str, Setting]:
    if depth > MAX_EXTENDS or not path.is_file():
        raise _wrong(path.stem, "extends", N_("没有这个政策"))
    told = tomllib.loads(path.read_text("utf-8"))
    base: Mapping[str, Setting] = {}
    if told.get("extends"):
        base = _settings(path.parent / f"{told['extends']}.toml", depth + 1)
    return read(told, base, path.stem)


def _wrong(name: str, key: str, reason: str) -> Invalid:
    return Invalid(N_("政策「%(policy)s」的「%(key)s」不对:%(reason)s。"), policy=name, key=key, reason=reason)
