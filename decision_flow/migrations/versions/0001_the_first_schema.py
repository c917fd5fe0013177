"""The first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import decision_flow.db

revision, down_revision = '0001', None

# The trail is only ever added to; the database itself refuses anything else (R-38b, SEC-02).
GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER audit_event_no_{act} BEFORE {act.upper()} ON audit_event "
        "BEGIN SELECT RAISE(ABORT, 'the trail is never changed'); END"
        for act in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the trail is never changed'; END $$",
        "CREATE TRIGGER audit_event_no_change BEFORE UPDATE OR DELETE ON audit_event "
        "FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()",
        "CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()",
    ],
}
UNGUARD = {
    "sqlite": [f"DROP TRIGGER audit_event_no_{act}" for act in ("update", "delete")],
    "postgresql": [
        "DROP TRIGGER audit_event_no_truncate ON audit_event",
        "DROP TRIGGER audit_event_no_change ON audit_event",
        "DROP FUNCTION audit_event_refuse()",
    ],
}


# Those that refer to others come first.
TABLES = (
    "timer",
    "notification",
    "document",
    "audit_event",
    "task",
    "evaluation",
    "procedure_file",
    "matter",
    "appointment",
    "sign_in_session",
    "procedure_version",
    "post",
    "user_account",
    "procedure",
    "organisation",
    "number_series",
    "calendar_day",
    "audit_stream",
)


def upgrade() -> None:
    op.create_table('audit_stream',
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('head', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_audit_stream'))
    )
    op.create_table('calendar_day',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('source', sa.String(length=120), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_calendar_day'))
    )
    op.create_table('number_series',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_number_series'))
    )
    op.create_table('organisation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('name_en', sa.String(length=200), nullable=False),
    sa.Column('level', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.Column('organ_id', sa.Integer(), nullable=True),
    sa.Column('credit_code', sa.String(length=18), nullable=True),
    sa.Column('binding', sa.String(length=20), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['organ_id'], ['organisation.id'], name=op.f('fk_organisation_organ_id')),
    sa.ForeignKeyConstraint(['parent_id'], ['organisation.id'], name=op.f('fk_organisation_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation')),
    sa.UniqueConstraint('name', name=op.f('uq_organisation_name'))
    )
    op.create_index(op.f('ix_organisation_organ_id'), 'organisation', ['organ_id'])
    op.create_index(op.f('ix_organisation_parent_id'), 'organisation', ['parent_id'])
    op.create_table('procedure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=60), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('title_en', sa.String(length=200), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_procedure')),
    sa.UniqueConstraint('key', name=op.f('uq_procedure_key'))
    )
    op.create_table('user_account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('username', sa.String(length=60), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('name_en', sa.String(length=120), nullable=False),
    sa.Column('phone', sa.String(length=40), nullable=False),
    sa.Column('email', sa.String(length=120), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('password_changed_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('must_change_password', sa.Boolean(), nullable=False),
    sa.Column('failed_sign_ins', sa.Integer(), nullable=False),
    sa.Column('locked_until', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('created_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_account')),
    sa.UniqueConstraint('username', name=op.f('uq_user_account_username'))
    )
    op.create_table('post',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=80), nullable=False),
    sa.Column('title_en', sa.String(length=120), nullable=False),
    sa.Column('role_code', sa.String(length=40), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_post_organisation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_post'))
    )
    op.create_index(op.f('ix_post_organisation_id'), 'post', ['organisation_id'])
    op.create_index(op.f('ix_post_role_code'), 'post', ['role_code'])
    op.create_table('procedure_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('procedure_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('main', sa.String(length=80), nullable=False),
    sa.Column('start_form', sa.String(length=20), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('author_id', sa.Integer(), nullable=True),
    sa.Column('publisher_id', sa.Integer(), nullable=True),
    sa.Column('published_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['author_id'], ['user_account.id'], name=op.f('fk_procedure_version_author_id')),
    sa.ForeignKeyConstraint(['procedure_id'], ['procedure.id'], name=op.f('fk_procedure_version_procedure_id')),
    sa.ForeignKeyConstraint(['publisher_id'], ['user_account.id'], name=op.f('fk_procedure_version_publisher_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_procedure_version')),
    sa.UniqueConstraint('procedure_id', 'number', name=op.f('uq_procedure_version_procedure_id_number'))
    )
    op.create_index(op.f('ix_procedure_version_digest'), 'procedure_version', ['digest'])
    op.create_index(op.f('ix_procedure_version_status'), 'procedure_version', ['status'])
    op.create_table('sign_in_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('created_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('client_addr', sa.String(length=60), nullable=False),
    sa.Column('user_agent', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_sign_in_session_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_session')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_sign_in_session_token_hash'))
    )
    op.create_index(op.f('ix_sign_in_session_expires_at'), 'sign_in_session', ['expires_at'])
    op.create_index(op.f('ix_sign_in_session_user_id'), 'sign_in_session', ['user_id'])
    op.create_table('appointment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], name=op.f('fk_appointment_post_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_appointment_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appointment'))
    )
    op.create_index(op.f('ix_appointment_post_id'), 'appointment', ['post_id'])
    op.create_index(op.f('ix_appointment_user_id_appointment_ends_on'), 'appointment', ['user_id', 'ends_on'])
    op.create_table('matter',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('category', sa.String(length=40), nullable=False),
    sa.Column('procedure_version_id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('undertaking_unit_id', sa.Integer(), nullable=True),
    sa.Column('implementing_unit_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('outcome', sa.String(length=80), nullable=True),
    sa.Column('current_step', sa.String(length=40), nullable=True),
    sa.Column('effective_date', sa.Date(), nullable=True),
    sa.Column('decided_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('published_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('registered_by_id', sa.Integer(), nullable=True),
    sa.Column('registered_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('closed_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('decision_id', sa.Integer(), nullable=True),
    sa.Column('relation', sa.String(length=20), nullable=True),
    sa.Column('draft_version', sa.Integer(), nullable=False),
    sa.Column('passed', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=True),
    sa.Column('state', sa.LargeBinary(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['decision_id'], ['matter.id'], name=op.f('fk_matter_decision_id')),
    sa.ForeignKeyConstraint(['implementing_unit_id'], ['organisation.id'], name=op.f('fk_matter_implementing_unit_id')),
    sa.ForeignKeyConstraint(['organ_id'], ['organisation.id'], name=op.f('fk_matter_organ_id')),
    sa.ForeignKeyConstraint(['procedure_version_id'], ['procedure_version.id'], name=op.f('fk_matter_procedure_version_id')),
    sa.ForeignKeyConstraint(['registered_by_id'], ['user_account.id'], name=op.f('fk_matter_registered_by_id')),
    sa.ForeignKeyConstraint(['undertaking_unit_id'], ['organisation.id'], name=op.f('fk_matter_undertaking_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_matter')),
    sa.UniqueConstraint('number', name=op.f('uq_matter_number'))
    )
    op.create_index(op.f('ix_matter_decision_id'), 'matter', ['decision_id'])
    op.create_index(op.f('ix_matter_implementing_unit_id'), 'matter', ['implementing_unit_id'])
    op.create_index(op.f('ix_matter_organ_id_matter_status'), 'matter', ['organ_id', 'status'])
    op.create_index(op.f('ix_matter_procedure_version_id'), 'matter', ['procedure_version_id'])
    op.create_index(op.f('ix_matter_registered_by_id_matter_id'), 'matter', ['registered_by_id', 'id'])
    op.create_index(op.f('ix_matter_status'), 'matter', ['status'])
    op.create_index(op.f('ix_matter_undertaking_unit_id'), 'matter', ['undertaking_unit_id'])
    op.create_table('procedure_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['version_id'], ['procedure_version.id'], name=op.f('fk_procedure_file_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_procedure_file')),
    sa.UniqueConstraint('version_id', 'kind', 'name', name=op.f('uq_procedure_file_version_id_kind_name'))
    )
    op.create_table('evaluation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('decision_id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=True),
    sa.Column('mode', sa.String(length=10), nullable=False),
    sa.Column('months', sa.Integer(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['decision_id'], ['matter.id'], name=op.f('fk_evaluation_decision_id')),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_evaluation_matter_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_evaluation'))
    )
    op.create_index(op.f('ix_evaluation_decision_id_evaluation_due_on'), 'evaluation', ['decision_id', 'due_on'])
    op.create_index(op.f('ix_evaluation_due_on'), 'evaluation', ['due_on'])
    op.create_table('task',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(length=64), nullable=False),
    sa.Column('element_id', sa.String(length=80), nullable=False),
    sa.Column('process', sa.String(length=80), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('name_en', sa.String(length=200), nullable=False),
    sa.Column('step', sa.String(length=40), nullable=True),
    sa.Column('basis', sa.String(length=120), nullable=False),
    sa.Column('form', sa.String(length=20), nullable=True),
    sa.Column('role_code', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('pool', sa.String(length=60), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('item', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('assignee_id', sa.Integer(), nullable=True),
    sa.Column('claimed_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('received_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('due_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('due_rule', sa.String(length=20), nullable=False),
    sa.Column('due_explanation', sa.Text(), nullable=False),
    sa.Column('draft', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=True),
    sa.Column('draft_saved_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('submission', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=True),
    sa.Column('completed_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('completed_by_id', sa.Integer(), nullable=True),
    sa.Column('completed_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['assignee_id'], ['user_account.id'], name=op.f('fk_task_assignee_id')),
    sa.ForeignKeyConstraint(['completed_by_id'], ['user_account.id'], name=op.f('fk_task_completed_by_id')),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_task_matter_id')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_task_organisation_id')),
    sa.ForeignKeyConstraint(['person_id'], ['user_account.id'], name=op.f('fk_task_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_task')),
    sa.UniqueConstraint('matter_id', 'token', name=op.f('uq_task_matter_id_token'))
    )
    op.create_index(op.f('ix_task_assignee_id_task_state_task_due_at'), 'task', ['assignee_id', 'state', 'due_at'])
    op.create_index(op.f('ix_task_completed_by_id_task_completed_at'), 'task', ['completed_by_id', 'completed_at'])
    op.create_index(op.f('ix_task_pool_task_state_task_due_at'), 'task', ['pool', 'state', 'due_at'])
    op.create_table('audit_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('stream', sa.String(length=60), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('event', sa.String(length=60), nullable=False),
    sa.Column('result', sa.String(length=10), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('actor', sa.String(length=200), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=True),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('canonical', sa.Text(), nullable=False),
    sa.Column('prev_hash', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['user_account.id'], name=op.f('fk_audit_event_actor_id')),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_audit_event_matter_id')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_audit_event_task_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_event')),
    sa.UniqueConstraint('stream', 'seq', name=op.f('uq_audit_event_stream_seq'))
    )
    op.create_index(op.f('ix_audit_event_actor_id_audit_event_id'), 'audit_event', ['actor_id', 'id'])
    op.create_index(op.f('ix_audit_event_at'), 'audit_event', ['at'])
    op.create_index(op.f('ix_audit_event_event'), 'audit_event', ['event'])
    op.create_index(op.f('ix_audit_event_matter_id_audit_event_id'), 'audit_event', ['matter_id', 'id'])
    op.create_table('document',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=True),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('form', sa.String(length=20), nullable=True),
    sa.Column('field', sa.String(length=80), nullable=False),
    sa.Column('step', sa.String(length=40), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('uploaded_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('uploaded_by_id', sa.Integer(), nullable=False),
    sa.Column('uploaded_as', sa.String(length=200), nullable=False),
    sa.Column('filed_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_document_matter_id')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_document_task_id')),
    sa.ForeignKeyConstraint(['uploaded_by_id'], ['user_account.id'], name=op.f('fk_document_uploaded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_document'))
    )
    op.create_index(op.f('ix_document_matter_id_document_id'), 'document', ['matter_id', 'id'])
    op.create_index(op.f('ix_document_sha256'), 'document', ['sha256'])
    op.create_index(op.f('ix_document_task_id'), 'document', ['task_id'])
    op.create_table('notification',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event', sa.String(length=60), nullable=False),
    sa.Column('channel', sa.String(length=20), nullable=False),
    sa.Column('recipient_id', sa.Integer(), nullable=True),
    sa.Column('pool', sa.String(length=60), nullable=True),
    sa.Column('matter_id', sa.Integer(), nullable=True),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('payload', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=False),
    sa.Column('owner', sa.String(length=80), nullable=True),
    sa.Column('lease_until', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('dedupe_key', sa.String(length=160), nullable=False),
    sa.Column('created_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('sent_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('read_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_notification_matter_id')),
    sa.ForeignKeyConstraint(['recipient_id'], ['user_account.id'], name=op.f('fk_notification_recipient_id')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_notification_task_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notification')),
    sa.UniqueConstraint('dedupe_key', name=op.f('uq_notification_dedupe_key'))
    )
    op.create_index(op.f('ix_notification_recipient_id_notification_read_at'), 'notification', ['recipient_id', 'read_at'])
    op.create_index(op.f('ix_notification_state_notification_created_at'), 'notification', ['state', 'created_at'])
    op.create_table('timer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=True),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('token', sa.String(length=64), nullable=True),
    sa.Column('element_id', sa.String(length=80), nullable=True),
    sa.Column('due_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('rule', sa.String(length=20), nullable=False),
    sa.Column('explanation', sa.Text(), nullable=False),
    sa.Column('payload', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=False),
    sa.Column('owner', sa.String(length=80), nullable=True),
    sa.Column('lease_until', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('fired_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('dedupe_key', sa.String(length=160), nullable=False),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_timer_matter_id')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_timer_task_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_timer')),
    sa.UniqueConstraint('dedupe_key', name=op.f('uq_timer_dedupe_key'))
    )
    op.create_index(op.f('ix_timer_matter_id_timer_state'), 'timer', ['matter_id', 'state'])
    op.create_index(op.f('ix_timer_state_timer_due_at'), 'timer', ['state', 'due_at'])
    op.create_index(op.f('ix_timer_task_id'), 'timer', ['task_id'])

    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in UNGUARD[op.get_bind().dialect.name]:
        op.execute(statement)
    # Their indexes go with them.
    for table in TABLES:
        op.drop_table(table)
