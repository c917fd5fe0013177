"""calendar deadlines notices nodes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import decision_flow.db

revision = '0007'
down_revision = '0006'


def upgrade() -> None:
    op.create_table('cron_slot',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('slot', sa.Date(), nullable=False),
    sa.Column('owner', sa.String(length=80), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('lease_until', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('done_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('result', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name', 'slot', name=op.f('pk_cron_slot'))
    )
    op.create_table('node',
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('release', sa.String(length=20), nullable=False),
    sa.Column('started_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('seen_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('stopped_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_node'))
    )
    op.create_table('hook',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('url', sa.String(length=500), nullable=False),
    sa.Column('secret', sa.String(length=200), nullable=False),
    sa.Column('events', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['organ_id'], ['organisation.id'], name=op.f('fk_hook_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hook'))
    )
    op.create_table('local_day',
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('source', sa.String(length=120), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organ_id'], ['organisation.id'], name=op.f('fk_local_day_organ_id')),
    sa.PrimaryKeyConstraint('organ_id', 'day', name=op.f('pk_local_day'))
    )
    with op.batch_alter_table('local_day', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_local_day_version'), ['version'], unique=False)

    op.create_table('substitution',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('principal_id', sa.Integer(), nullable=False),
    sa.Column('substitute_id', sa.Integer(), nullable=False),
    sa.Column('procedure_key', sa.String(length=60), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=False),
    sa.Column('made_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['made_by_id'], ['user_account.id'], name=op.f('fk_substitution_made_by_id')),
    sa.ForeignKeyConstraint(['principal_id'], ['user_account.id'], name=op.f('fk_substitution_principal_id')),
    sa.ForeignKeyConstraint(['substitute_id'], ['user_account.id'], name=op.f('fk_substitution_substitute_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_substitution'))
    )
    with op.batch_alter_table('substitution', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_substitution_principal_id_substitution_ends_on'), ['principal_id', 'ends_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_substitution_substitute_id_substitution_ends_on'), ['substitute_id', 'ends_on'], unique=False)

    op.create_table('feedback',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('decision_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('channel', sa.String(length=20), nullable=False),
    sa.Column('negative', sa.Boolean(), nullable=False),
    sa.Column('heard_on', sa.Date(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('recorded_by_id', sa.Integer(), nullable=False),
    sa.Column('recorded_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('recorded_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['decision_id'], ['matter.id'], name=op.f('fk_feedback_decision_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['user_account.id'], name=op.f('fk_feedback_recorded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_feedback'))
    )
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_feedback_decision_id_feedback_heard_on'), ['decision_id', 'heard_on'], unique=False)

    op.create_table('reminder',
    sa.Column('subject', sa.String(length=40), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('rung', sa.String(length=20), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('told', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('given_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_reminder_matter_id')),
    sa.PrimaryKeyConstraint('subject', 'due_on', 'rung', name=op.f('pk_reminder'))
    )
    with op.batch_alter_table('reminder', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reminder_matter_id'), ['matter_id'], unique=False)

    with op.batch_alter_table('calendar_day', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_calendar_day_version'), ['version'], unique=False)

    with op.batch_alter_table('evaluation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('trigger', sa.String(length=30), nullable=False, server_default='scheduled'))
        batch_op.add_column(sa.Column('evidence', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=True))
        batch_op.add_column(sa.Column('outcome', sa.String(length=20), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('closed_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('next_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_evaluation_next_id'), 'evaluation', ['next_id'], ['id'])

    with op.batch_alter_table('notification', schema=None) as batch_op:
        batch_op.add_column(sa.Column('hook_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_notification_hook_id'), 'hook', ['hook_id'], ['id'])

    with op.batch_alter_table('post', schema=None) as batch_op:
        batch_op.add_column(sa.Column('leads', sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.add_column(sa.Column('due_provisional', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('deadline', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=True))

    with op.batch_alter_table('user_account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('notice_choices', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=True))
        batch_op.add_column(sa.Column('feed_hash', sa.String(length=64), nullable=True))
        batch_op.create_index(batch_op.f('ix_user_account_feed_hash'), ['feed_hash'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('user_account', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_user_account_feed_hash'))
        batch_op.drop_column('feed_hash')
        batch_op.drop_column('notice_choices')

    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.drop_column('deadline')
        batch_op.drop_column('due_provisional')

    with op.batch_alter_table('post', schema=None) as batch_op:
        batch_op.drop_column('leads')

    with op.batch_alter_table('notification', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_notification_hook_id'), type_='foreignkey')
        batch_op.drop_column('hook_id')

    with op.batch_alter_table('evaluation', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_evaluation_next_id'), type_='foreignkey')
        batch_op.drop_column('next_id')
        batch_op.drop_column('closed_at')
        batch_op.drop_column('outcome')
        batch_op.drop_column('evidence')
        batch_op.drop_column('trigger')

    with op.batch_alter_table('calendar_day', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_calendar_day_version'))

    with op.batch_alter_table('reminder', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_reminder_matter_id'))

    op.drop_table('reminder')
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_feedback_decision_id_feedback_heard_on'))

    op.drop_table('feedback')
    with op.batch_alter_table('substitution', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_substitution_substitute_id_substitution_ends_on'))
        batch_op.drop_index(batch_op.f('ix_substitution_principal_id_substitution_ends_on'))

    op.drop_table('substitution')
    with op.batch_alter_table('local_day', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_local_day_version'))

    op.drop_table('local_day')
    op.drop_table('hook')
    op.drop_table('node')
    op.drop_table('cron_slot')
