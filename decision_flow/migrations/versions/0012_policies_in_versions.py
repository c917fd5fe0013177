"""policies in versions, and the one that each matter began with"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Any

import rfc8785
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import decision_flow.db

revision = '0012'
down_revision = '0011'

# The decree as shipped with this release: what every matter before it was counted by.
COLUMNS = ("key", "label", "label_en", "value", "unit", "basis", "status", "rule", "shorten", "at_least", "at_most")
DECREE = (
    ("public_comment_days", "公开征求意见期限", "Public comment period", 30, "calendar_days", "条例第十五条", "confirmed", "R-15b", "reason", True, False),
    ("hearing_papers_days", "听证材料提前送达", "Hearing papers served before", 7, "calendar_days", "条例第十六条", "confirmed", "R-16d", "no", True, False),
    ("hearing_notice_days", "听证公告提前", "Hearing notice before", 10, "calendar_days", "地方规定", "confirmed", "R-16b", "reason", True, False),
    ("price_hearing_enrol_days", "价格听证报名公告提前", "Price hearing enrolment before", 30, "calendar_days", "政府制定价格听证办法的地方规定", "confirmed", "R-16b", "no", True, False),
    ("price_hearing_list_days", "价格听证名单公布提前", "Price hearing list before", 15, "calendar_days", "政府制定价格听证办法的地方规定", "confirmed", "R-16c", "no", True, False),
    ("legality_review_workdays", "合法性审查时间", "Time for the legality review", 7, "working_days", "条例第二十六条", "confirmed", "R-26c", "reason", True, False),
    ("disclosure_workdays", "决定公开期限", "Publication within", 20, "working_days", "政府信息公开条例第二十六条", "confirmed", "R-32a", "no", False, True),
    ("archive_transfer_days", "归档移交期限", "Archive handed over within", 30, "calendar_days", "地方规定", "confirmed", "R-33", "reason", False, False),
    ("progress_report_months", "执行进度报告间隔", "Progress report every", 3, "months", "产品设定", "proposed", "R-34b", "no", False, False),
    ("evaluation_after_term_months", "固定期限届满后的评估", "Evaluation after the end of a fixed term", 6, "months", "地方规定", "proposed", "R-36a", "no", False, False),
    ("quorum_percent", "会议法定人数(超过)", "Quorum, more than", 50, "percent", "地方会议规则", "confirmed", "R-30g", "no", True, False),
    ("min_experts_township", "乡镇论证专家人数", "Experts, township", 3, "people", "地方规定", "confirmed", "R-20c", "reason", True, False),
    ("min_experts_district", "区县论证专家人数", "Experts, district", 5, "people", "待核实", "unconfirmed", "R-20c", "reason", True, False),
    ("consultation_reply_workdays", "部门意见回复期限", "Reply of a consulted unit", 5, "working_days", "待核实", "unconfirmed", "R-13a", "no", False, False),
    ("suggestion_reply_days", "建议交办期限", "Suggestion handed on within", 15, "calendar_days", "待核实", "unconfirmed", "R-10c", "no", False, False),
    ("fair_competition_workdays", "公平竞争审查时间", "Time for the fair competition review", 5, "working_days", "产品设定", "proposed", "R-29c", "no", False, False),
    ("expert_opinion_workdays", "专家出具论证意见期限", "Expert opinion within", 10, "working_days", "产品设定", "proposed", "R-19b", "no", False, False),
    ("problem_serious_workdays", "重大问题报告处理期限", "Serious problem dealt with within", 1, "working_days", "产品设定", "proposed", "R-35a", "no", False, False),
    ("problem_general_workdays", "一般问题报告处理期限", "Other problem dealt with within", 5, "working_days", "产品设定", "proposed", "R-35a", "no", False, False),
    ("adjustment_workdays", "决策调整研究期限", "Adjustment studied within", 10, "working_days", "产品设定", "proposed", "R-37a", "no", False, False),
    ("suspension_review_days", "中止执行后复核期限", "Suspension reviewed within", 30, "calendar_days", "产品设定", "proposed", "R-37b", "no", False, False),
    ("land_pre_notice_workdays", "征收土地预公告期限", "Pre-notice of an expropriation of land", 10, "working_days", "土地管理法实施条例第二十六条", "confirmed", "R-03b", "no", True, False),
    ("land_compensation_notice_days", "征地补偿安置公告期限", "Notice of the compensation plan", 30, "calendar_days", "土地管理法第四十七条", "confirmed", "R-03b", "no", True, False),
)
# What a version holds is never changed; only what was decided about it is written later.
HELD = "organ_id, number, policy, binding, settings, digest, changes, reason, basis, asked_by_id, asked_as"
GUARD = {
    "sqlite": [
        f"CREATE TRIGGER policy_version_no_update BEFORE UPDATE OF {HELD} ON policy_version "
        "BEGIN SELECT RAISE(ABORT, 'a policy version is never changed'); END",
        "CREATE TRIGGER policy_version_no_delete BEFORE DELETE ON policy_version "
        "BEGIN SELECT RAISE(ABORT, 'a policy version is never deleted'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION policy_version_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'a policy version is never changed'; END $$",
        f"CREATE TRIGGER policy_version_no_change BEFORE DELETE OR UPDATE OF {HELD} ON policy_version "
        "FOR EACH ROW EXECUTE FUNCTION policy_version_refuse()",
    ],
}


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql')
    table = op.create_table('policy_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=True),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('policy', sa.String(length=60), nullable=False),
    sa.Column('binding', sa.String(length=20), nullable=False),
    sa.Column('settings', json, nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('changes', json, nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('basis', sa.Text(), nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('asked_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=True),
    sa.Column('asked_as', sa.String(length=200), nullable=False),
    sa.Column('decided_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_as', sa.String(length=200), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user_account.id'], name=op.f('fk_policy_version_asked_by_id')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user_account.id'], name=op.f('fk_policy_version_decided_by_id')),
    sa.ForeignKeyConstraint(['organ_id'], ['organisation.id'], name=op.f('fk_policy_version_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy_version')),
    sa.UniqueConstraint('digest', name=op.f('uq_policy_version_digest')),
    sa.UniqueConstraint('organ_id', 'number', name=op.f('uq_policy_version_organ_id_number'))
    )
    decree = _decree()
    op.bulk_insert(table, [decree])
    for statement in GUARD[op.get_bind().dialect.name]:
        op.execute(statement)
    op.add_column('matter', sa.Column('policy_digest', sa.String(length=64), nullable=True))
    op.execute(sa.text("UPDATE matter SET policy_digest = :digest").bindparams(digest=decree["digest"]))
    with op.batch_alter_table('matter', schema=None) as batch_op:
        batch_op.alter_column('policy_digest', existing_type=sa.String(length=64), nullable=False)
        batch_op.create_foreign_key(batch_op.f('fk_matter_policy_digest'), 'policy_version', ['policy_digest'], ['digest'])


def downgrade() -> None:
    with op.batch_alter_table('matter', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_matter_policy_digest'), type_='foreignkey')
        batch_op.drop_column('policy_digest')

    op.drop_table('policy_version')
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION policy_version_refuse()")


def _decree() -> dict[str, Any]:
    settings = {}
    for row in DECREE:
        told = dict(zip(COLUMNS, row, strict=True))
        settings[told["key"]] = {**told, "source": "decree-713", "asked": told["value"], "asked_by": told["basis"]}
    named = {"organ": None, "number": 1, "policy": "decree-713", "binding": "direct", "settings": settings}
    now = datetime.now(UTC)
    return {
        "organ_id": None, "number": 1, "policy": "decree-713", "binding": "direct", "settings": settings,
        "digest": hashlib.sha256(rfc8785.dumps(named)).hexdigest(), "changes": [], "reason": "", "basis": "国务院令第713号",
        "effective_on": date(2019, 9, 1), "state": "CONFIRMED", "asked_at": now, "asked_as": "系统", "decided_at": now,
        "decided_as": "系统", "note": "",
    }
