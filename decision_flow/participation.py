"""When public participation may close: heard in at least one way, every named group, and a hearing where it is due.

Asked when the opinions are summed up (F-23), whatever diagram the form stands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from decision_flow import submitted
from decision_flow.errors import N_, Refused
from decision_flow.models import Matter

# The forms that end one way of hearing the public: solicitation, hearing, and the record of the others.
COMPLETED = ("F-22b", "F-27", "F-23a")


def must_be_complete(session: Session, matter: Matter, context: Mapping[str, Any]) -> None:
    """Raise `Refused` unless the public was heard (R-14b), each group (R-14c), and in a mandatory hearing (R-16a)."""
    done = {form: submitted.every(session, matter.id, form) for form in COMPLETED}
    if not any(done.values()):
        raise Refused(
            N_("不能办结公众参与：还没有完成任何一种参与方式。请先完成征求意见、听证、座谈、走访或者问卷。"),
            rule="R-14b",
            article="条例第十四条",
        )
    draft = submitted.latest(session, matter.id, "F-06")
    mandatory = _read(context, "D06", "hearing") == "mandatory" or draft.get("government_pricing") is True
    if mandatory and not done["F-27"]:
        raise Refused(
            N_("不能办结公众参与：本事项依法应当举行听证会，听证报告还没有完成。"), rule="R-16a", article="条例第十六条"
        )
    if draft.get("affects_specific_group") is not True:
        return
    plan = submitted.latest(session, matter.id, "F-20")
    groups = [str(row.get("group") or "") for row in plan.get("groups_to_negotiate") or ()]
    heard = "\n".join(_words(told) for told in done["F-23a"])
    missing = [group for group in groups if group and group not in heard]
    if missing or not groups:
        raise Refused(
            N_("不能办结公众参与：没有与%(groups)s沟通协商的记录。请登记座谈或者走访记录，写明参加的群体。"),
            rule="R-14c",
            article="条例第十四条",
            groups="、".join(missing) or "相关群体",
        )


def _words(told: Mapping[str, Any]) -> str:
    names = [str(row.get("name") or "") for row in told.get("participants") or ()]
    return "\n".join([*names, str(told.get("summary") or "")])


def _read(context: Mapping[str, Any], name: str, field: str) -> Any:
    value = context.get(name)
    return value.get(field) if isinstance(value, Mapping) else None
