"""exceptions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0009'
down_revision = '0008'


def upgrade() -> None:

    op.create_table('exception_record',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('rule', sa.String(length=20), nullable=False),
    sa.Column('article', sa.String(length=80), nullable=False),
    sa.Column('subject', sa.String(length=60), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('asked_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=True),
    sa.Column('asked_as', sa.String(length=200), nullable=False),
    sa.Column('decided_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_as', sa.String(length=200), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user_account.id'], name=op.f('fk_exception_record_asked_by_id')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user_account.id'], name=op.f('fk_exception_record_decided_by_id')),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_exception_record_matter_id')),
    sa.ForeignKeyConstraint(['organ_id'], ['organisation.id'], name=op.f('fk_exception_record_organ_id')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_exception_record_task_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_exception_record'))
    )
    with op.batch_alter_table('exception_record', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_exception_record_matter_id_exception_record_rule'), ['matter_id', 'rule'], unique=False)
        batch_op.create_index(batch_op.f('ix_exception_record_organ_id_exception_record_asked_at'), ['organ_id', 'asked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_exception_record_state'), ['state'], unique=False)




def downgrade() -> None:

    with op.batch_alter_table('exception_record', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_exception_record_state'))
        batch_op.drop_index(batch_op.f('ix_exception_record_organ_id_exception_record_asked_at'))
        batch_op.drop_index(batch_op.f('ix_exception_record_matter_id_exception_record_rule'))

    op.drop_table('exception_record')

