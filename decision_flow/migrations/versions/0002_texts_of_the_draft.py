"""texts of the draft"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    op.create_table('stale_step',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('step', sa.String(length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('marked_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('settled', sa.String(length=20), nullable=True),
    sa.Column('settled_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=True),
    sa.Column('asked_as', sa.String(length=200), nullable=False),
    sa.Column('approved_by_id', sa.Integer(), nullable=True),
    sa.Column('approved_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['approved_by_id'], ['user_account.id'], name=op.f('fk_stale_step_approved_by_id')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user_account.id'], name=op.f('fk_stale_step_asked_by_id')),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_stale_step_matter_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stale_step')),
    sa.UniqueConstraint('matter_id', 'step', 'version', name=op.f('uq_stale_step_matter_id_step_version'))
    )
    op.create_table('draft_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('form', sa.String(length=20), nullable=False),
    sa.Column('material', sa.Boolean(), nullable=False),
    sa.Column('frozen_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('frozen_as', sa.String(length=200), nullable=False),
    sa.Column('reviewed_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('reviewed_as', sa.String(length=200), nullable=False),
    sa.Column('review_task_id', sa.Integer(), nullable=True),
    sa.Column('conclusion', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_draft_version_document_id')),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_draft_version_matter_id')),
    sa.ForeignKeyConstraint(['review_task_id'], ['task.id'], name=op.f('fk_draft_version_review_task_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draft_version')),
    sa.UniqueConstraint('matter_id', 'number', name=op.f('uq_draft_version_matter_id_number'))
    )
    with op.batch_alter_table('draft_version', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_draft_version_sha256'), ['sha256'], unique=False)

    with op.batch_alter_table('matter', schema=None) as batch_op:
        batch_op.add_column(sa.Column('draft_sha256', sa.String(length=64), nullable=False, server_default=''))



def downgrade() -> None:
    with op.batch_alter_table('matter', schema=None) as batch_op:
        batch_op.drop_column('draft_sha256')

    with op.batch_alter_table('draft_version', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_draft_version_sha256'))

    op.drop_table('draft_version')
    op.drop_table('stale_step')
