"""Roles and permissions: what each role code of the law's lanes may do in the product.

A role comes with a post; a person has the roles of the posts held today. Whoever does a task is settled by
the task's pool, not here: here stands which doors open at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """`resource:action`; every route asks for one of these or is on the public list."""

    TASK_WORK = "task:work"
    MATTER_READ = "matter:read"
    MATTER_READ_ALL = "matter:read_all"
    MATTER_REGISTER = "matter:register"
    PEOPLE_READ = "people:read"
    PEOPLE_MANAGE = "people:manage"
    APPOINTMENTS_MANAGE = "appointments:manage"
    AUDIT_READ = "audit:read"
    AUDIT_SEAL = "audit:seal"
    PROCEDURE_READ = "procedure:read"
    PROCEDURE_MODEL = "procedure:model"
    PROCEDURE_PUBLISH = "procedure:publish"
    POLICY_CHANGE = "policy:change"
    POLICY_CONFIRM = "policy:confirm"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_MANAGE = "operations:manage"
    CALENDAR_MANAGE = "calendar:manage"
    RECORDS_MANAGE = "records:manage"
    REGISTRY_READ = "registry:read"
    REGISTRY_MANAGE = "registry:manage"
    ACCOUNT_OWN = "account:own"


@dataclass(frozen=True)
class Role:
    """One role code with its name in both languages and its permissions."""

    code: str
    label: str
    label_en: str
    permissions: frozenset[Permission]


P = Permission
_OWN = frozenset({P.ACCOUNT_OWN})
_BUSINESS = _OWN | {P.TASK_WORK, P.MATTER_READ, P.MATTER_REGISTER, P.PROCEDURE_READ, P.REGISTRY_READ}
_OUTSIDE = _OWN | {P.TASK_WORK, P.MATTER_READ}

_BUSINESS_ROLES = {
    "proposer": ("建议提出人", "Proposer"),
    "government_office": ("政府办公室", "Government office"),
    "undertaking_unit": ("决策承办单位", "Undertaking unit"),
    "lead_unit": ("牵头承办单位", "Lead unit"),
    "consulted_unit": ("相关单位", "Consulted unit"),
    "hearing_host": ("听证主持人", "Hearing host"),
    "hearing_clerk": ("记录员", "Clerk"),
    "risk_assessor": ("风险评估人员", "Risk assessor"),
    "fair_competition_reviewer": ("公平竞争审查员", "Fair competition reviewer"),
    "legality_reviewer": ("合法性审查人员", "Legality reviewer"),
    "legality_head": ("合法性审查机构负责人", "Head of legality review"),
    "public_lawyer": ("公职律师", "Public lawyer"),
    "deputy_head": ("分管领导", "Deputy head"),
    "meeting_member": ("会议组成人员", "Meeting member"),
    "admin_head": ("行政首长", "Administrative head"),
    "party_committee": ("党委文书", "Party committee clerk"),
    "npc_liaison": ("人大联络员", "Congress liaison"),
    "confidentiality_reviewer": ("保密审查员", "Confidentiality reviewer"),
    "disclosure_officer": ("政务公开专员", "Disclosure officer"),
    "spokesperson": ("新闻发言人", "Spokesperson"),
    "implementing_unit": ("决策执行单位", "Implementing unit"),
    "supervisor": ("督查专员", "Supervisor"),
    "post_evaluator": ("后评估单位", "Post-decision evaluator"),
    "archivist": ("档案人员", "Archivist"),
}
_OUTSIDE_ROLES = {
    "public_participant": ("社会公众", "Member of the public"),
    "hearing_participant": ("听证参加人", "Hearing participant"),
    "expert": ("专家", "Expert"),
    "legal_adviser": ("法律顾问", "Legal adviser"),
}
ADMINISTRATORS = ("system_admin", "security_admin", "audit_admin")

ROLES: dict[str, Role] = {
    **{code: Role(code, *labels, _BUSINESS) for code, labels in _BUSINESS_ROLES.items()},
    # The office keeps the catalogue, the templates for printing and the annual lists.
    "government_office": Role(
        "government_office",
        *_BUSINESS_ROLES["government_office"],
        _BUSINESS | {P.RECORDS_MANAGE, P.CALENDAR_MANAGE, P.REGISTRY_MANAGE},
    ),
    **{code: Role(code, *labels, _OUTSIDE) for code, labels in _OUTSIDE_ROLES.items()},
    # A superior organ's or the audit office's account (Art. 8): reads what its organs did, and writes nothing.
    "oversight_reader": Role(
        "oversight_reader",
        "监督人员（只读）",
        "Oversight reader",
        _OWN | {P.MATTER_READ, P.MATTER_READ_ALL, P.PROCEDURE_READ, P.REGISTRY_READ, P.AUDIT_READ},
    ),
    # Whoever draws a procedure does not put it in force: two roles, and two people for each version.
    "procedure_modeller": Role(
        "procedure_modeller",
        "程序建模员",
        "Procedure modeller",
        _OWN | {P.PROCEDURE_READ, P.PROCEDURE_MODEL, P.MATTER_READ},
    ),
    "procedure_publisher": Role(
        "procedure_publisher",
        "程序发布人",
        "Procedure publisher",
        _OWN | {P.PROCEDURE_READ, P.PROCEDURE_PUBLISH, P.POLICY_CONFIRM, P.MATTER_READ},
    ),
    # The numbers the law is counted by: changed by one, confirmed by another, and neither runs matters.
    "policy_keeper": Role(
        "policy_keeper",
        "规则管理员",
        "Keeper of the policy",
        _OWN | {P.PROCEDURE_READ, P.POLICY_CHANGE, P.POLICY_CONFIRM},
    ),
    # Three people for three powers (SOD-13): one manages accounts and units, one grants posts and unlocks,
    # one reads the trail and changes nothing.
    "system_admin": Role(
        "system_admin",
        "系统管理员",
        "System administrator",
        _OWN
        | {P.PEOPLE_READ, P.PEOPLE_MANAGE, P.OPERATIONS_READ, P.OPERATIONS_MANAGE, P.CALENDAR_MANAGE, P.PROCEDURE_READ},
    ),
    "security_admin": Role(
        "security_admin", "安全管理员", "Security administrator", _OWN | {P.PEOPLE_READ, P.APPOINTMENTS_MANAGE}
    ),
    "audit_admin": Role(
        "audit_admin", "审计管理员", "Audit administrator", _OWN | {P.PEOPLE_READ, P.AUDIT_READ, P.AUDIT_SEAL}
    ),
}


def permissions_of(role_codes: frozenset[str]) -> frozenset[Permission]:
    """Return the permissions of all these roles; an unknown code gives nothing but one's own account."""
    found: set[Permission] = set(_OWN)
    for code in role_codes:
        if code in ROLES:
            found |= ROLES[code].permissions
    return frozenset(found)
