"""The settings of a policy: every number that the law or a product rule counts by, with its basis and its status.

An overlay (province, city, township) takes over what it does not change; where the law says "at least" it may
only ask for more, where it says "within" only for less. What an organ sets for itself lies over the policy it has
adopted and keeps to the same bounds. What a drawing must contain stands in the same files and is read by
`verification.policy`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from decision_flow.errors import N_, Invalid, Refused
from decision_flow.resources import BPMN

FOLDER = BPMN / "policies"
DECREE = "decree-713"
# The source of what an organ has set for itself.
OWN = "organ"
STATUSES = ("confirmed", "unconfirmed", "proposed")
MAX_EXTENDS = 10
# Beyond this a number is a slip of the pen.
HIGHEST = {
    "calendar_days": 365, "working_days": 250, "months": 60, "percent": 99, "people": 99,
    "items": 999, "per_mille": 999,
}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One number: `unit` of its value, the `basis` it rests on, `status` confirmed, unconfirmed or proposed.

    `rule` is the duty it counts for; `shorten` says whether less is possible with a reason ("reason") or not ("no");
    `at_least` and `at_most` which way only it may be changed. `source` names the policy it comes from, or `OWN`;
    `asked` and `asked_by` are what the adopted policy asks for and on which basis: the bound of every change.
    """

    key: str
    label: str
    label_en: str
    value: int
    unit: str
    basis: str
    status: str
    rule: str = ""
    shorten: str = "no"
    at_least: bool = False
    at_most: bool = False
    source: str = ""
    asked: int = 0
    asked_by: str = ""

    @property
    def lowest(self) -> int:
        """The least it may be set to."""
        return self.asked if self.at_least else 1

    @property
    def highest(self) -> int:
        """The most it may be set to."""
        return self.asked if self.at_most else HIGHEST[self.unit]

    def allows(self, value: int) -> bool:
        """Whether it may be set to `value`."""
        return self.lowest <= value <= self.highest


Settings = Mapping[str, Setting]


def names() -> tuple[str, ...]:
    """Return the shipped policies by name; what a policy demands and what it counts stand in one file of that name."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def settings(name: str = DECREE) -> Settings:
    """Return the settings of a shipped policy with all it extends. Raises `Invalid` naming key and basis."""
    return _settings(FOLDER / f"{name}.toml", 0)


@lru_cache(maxsize=1)
def decree() -> Settings:
    """Return the settings of the decree as shipped."""
    return settings()


def adopted(name: str, under: Settings) -> Settings:
    """Return the settings of the shipped policy `name` for an organ that had `under` before.

    What the organ has set for itself stays where the policy allows it, so that a change of the policy loosens
    nothing unseen. Raises `Invalid` for a policy that is not shipped.
    """
    found = dict(settings(name))
    for key, own in under.items():
        new = found.get(key)
        if new is not None and own.source == OWN and new.allows(own.value):
            found[key] = replace(new, value=own.value, basis=own.basis, status=own.status, source=OWN)
    return found


def changed(under: Settings, key: str, value: int, basis: str, status: str) -> Settings:
    """Return `under` with one number set by the organ itself. Raises `Refused` (with the article) beyond its bound."""
    one = under[key]
    if one.at_least and value < one.asked:
        raise _looser(one, value, N_("不能定为%(value)s：%(basis)s要求不少于%(asked)s，只能更严格。"))
    if one.at_most and value > one.asked:
        raise _looser(one, value, N_("不能定为%(value)s：%(basis)s要求不超过%(asked)s，只能更严格。"))
    return {**under, key: replace(one, value=value, basis=basis, status=status, source=OWN)}


def numbers(found: Settings) -> dict[str, int]:
    """Return the values alone, as diagrams and forms know them (`policy.<key>`)."""
    return {key: one.value for key, one in found.items()}


def stored(found: Settings) -> dict[str, dict[str, Any]]:
    """Return the settings as JSON values."""
    return {key: asdict(one) for key, one in found.items()}


def restored(told: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Return the settings that `stored` wrote; what a later release added to a setting stays at its default."""
    known = {each.name for each in fields(Setting)}
    return {key: Setting(**{name: row[name] for name in row if name in known}) for key, row in told.items()}


def read(told: Mapping[str, Any], base: Settings, name: str) -> Settings:
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
                row.get("rule", ""), row.get("shorten", "no"), bool(row.get("at_least")), bool(row.get("at_most")),
                name, value, row["basis"],
            )  # fmt: skip
            continue
        if under.at_least and value < under.value:
            raise Invalid(
                N_("政策“%(policy)s”的“%(key)s”定为%(value)s，少于%(basis)s要求的%(least)s。只能更严格。"),
                policy=name, key=under.label, value=value, basis=under.basis, least=under.value,
            )  # fmt: skip
        if under.at_most and value > under.value:
            raise Invalid(
                N_("政策“%(policy)s”的“%(key)s”定为%(value)s，超过%(basis)s要求的%(most)s。只能更严格。"),
                policy=name, key=under.label, value=value, basis=under.basis, most=under.value,
            )  # fmt: skip
        found[key] = replace(
            under, value=value, basis=row["basis"], status=row.get("status", under.status), source=name,
            asked=value, asked_by=row["basis"],
        )  # fmt: skip
    return found


def _settings(path: Path, depth: int) -> Settings:
    if depth > MAX_EXTENDS or not path.is_file():
        raise _wrong(path.stem, "extends", N_("没有这个政策"))
    told = tomllib.loads(path.read_text("utf-8"))
    base: Settings = {}
    # The decree lies below every policy, said or not.
    if under := told.get("extends") or (DECREE if path.stem != DECREE else ""):
        base = _settings(path.parent / f"{under}.toml", depth + 1)
    return read(told, base, path.stem)


def _looser(one: Setting, value: int, message: str) -> Refused:
    return Refused(
        message, rule=one.rule or "R-43", article=one.asked_by, value=value, basis=one.asked_by, asked=one.asked
    )


def _wrong(name: str, key: str, reason: str) -> Invalid:
    return Invalid(N_("政策“%(policy)s”的“%(key)s”不对：%(reason)s。"), policy=name, key=key, reason=reason)
