"""Numbers that no law fixes, set by each organ with its basis. Until then the example stands, marked as such.

A setting is never overwritten: each change is a row of its own with who set it, when and on what basis.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, identity, typed_in
from decision_flow.actors import Actor
from decision_flow.audit import EventName
from decision_flow.errors import N_, Invalid, NotPermitted
from decision_flow.models import OfficeSetting, Organisation
from decision_flow.roles import Permission

STREAM = "office"
EXAMPLE = N_("示例数值，未经本级确定（待核实）")


@dataclass(frozen=True)
class Key:
    """One setting: what it is, whose unit its number has, and the examples for a township and above it."""

    name: str
    label: str
    unit: str
    township: str
    district: str
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Setting:
    """A setting as it stands for one organ; `confirmed` once the organ has set it itself."""

    key: Key
    value: str
    basis: str
    confirmed: bool
    set_as: str = ""
    set_at: datetime | None = None


KEYS = {
    key.name: key
    for key in (
        Key("limit_meeting", N_("大额资金：达到多少上办公会"), N_("元"), "30000", "200000"),
        Key("limit_joint", N_("大额资金：达到多少上党政联席会"), N_("元"), "100000", "1000000"),
        Key("limit_project", N_("重大项目：达到多少上党政联席会"), N_("元"), "300000", "4000000"),
        Key("limit_asset", N_("资产处置：达到多少上党政联席会"), N_("元"), "50000", "500000"),
        Key("limit_guarantee", N_("财政担保：达到多少上党政联席会"), N_("元"), "1000000", "1000000"),
        Key("split_days", N_("同一收款人同一用途的款项合并计算的天数"), N_("天"), "90", "90"),
        Key(
            "retention_approved",
            N_("档案保管期限表（D-09）是否经档案主管部门审核"),
            "",
            "no",
            "no",
            (("no", N_("未审核")), ("yes", N_("已审核"))),
        ),
    )
}


def of_organ(session: Session, organ: Organisation) -> dict[str, Setting]:
    """Return every setting as it stands for `organ`, by name."""
    rows = session.scalars(
        select(OfficeSetting).where(OfficeSetting.organ_id == organ.id).order_by(OfficeSetting.id)
    ).all()
    newest = {row.key: row for row in rows}
    found: dict[str, Setting] = {}
    for name, key in KEYS.items():
        row = newest.get(name)
        if row is None:
            example = key.township if organ.level in ("township", "village") else key.district
            found[name] = Setting(key, example, EXAMPLE, confirmed=False)
        else:
            found[name] = Setting(key, row.value, row.basis, True, row.set_as, row.set_at)
    return found


def is_set_to(session: Session, organ_id: int, name: str, value: str) -> bool:
    """Whether an organ has itself set `name` to `value`; an example counts as not set."""
    newest = select(OfficeSetting.value).where(OfficeSetting.organ_id == organ_id, OfficeSetting.key == name)
    return session.scalar(newest.order_by(OfficeSetting.id.desc()).limit(1)) == value


def amount(session: Session, organ: Organisation, name: str) -> Decimal:
    """Return a setting that is a number."""
    return Decimal(of_organ(session, organ)[name].value)


def change(session: Session, actor: Actor, organ_id: int, name: str, value: str, basis: str) -> OfficeSetting:
    """Set one number for an organ with its basis. Raises `Invalid` with every error by field."""
    identity.require(actor, Permission.RECORDS_MANAGE)
    if organ_id not in {held.organ_id for held in actor.appointments}:
        raise NotPermitted(N_("只能设置本人任职机关的标准。"))
    key, value, errors = KEYS.get(name), value.strip(), dict[str, list[str]]()
    if key is None:
        errors[name] = [N_("没有这个设置。")]
    elif key.choices and value not in dict(key.choices):
        errors[name] = [N_("请选择一项。")]
    elif not key.choices and not _is_amount(value):
        errors[name] = [N_("请填写大于0的数字。")]
    basis = typed_in.words(basis)
    if not basis:
        errors["basis"] = [N_("请填写依据，如文件名称和文号。")]
    if errors:
        raise Invalid(N_("填写的内容有误，请按提示修改后再提交。"), errors=errors)
    before = of_organ(session, session.get_one(Organisation, organ_id))[name]
    row = OfficeSetting(
        organ_id=organ_id, key=name, value=value, basis=basis[:500], set_at=clock.now(), set_as=actor.display
    )
    session.add(row)
    audit.append(
        session,
        STREAM,
        EventName.OFFICE_SETTING_CHANGED,
        actor=actor,
        facts={
            "organ": organ_id,
            "key": name,
            "value": value,
            "basis": row.basis,
            "before": {"value": before.value, "basis": before.basis},
            "after": {"value": value, "basis": row.basis},
        },
    )
    return row


def _is_amount(text: str) -> bool:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return number.is_finite() and 0 < number < 10**13
