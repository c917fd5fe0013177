"""steps entered later"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0010'
down_revision = '0009'


def upgrade() -> None:

    op.create_table('late_entry',
    sa.Column('task_id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('done_on', sa.Date(), nullable=False),
    sa.Column('done_by', sa.String(length=80), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('scan_id', sa.Integer(), nullable=False),
    sa.Column('entered_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('entered_by_id', sa.Integer(), nullable=False),
    sa.Column('entered_as', sa.String(length=200), nullable=False),
    sa.Column('signed', sa.Boolean(), nullable=False),
    sa.Column('later_files', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['entered_by_id'], ['user_account.id'], name=op.f('fk_late_entry_entered_by_id')),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_late_entry_matter_id')),
    sa.ForeignKeyConstraint(['scan_id'], ['document.id'], name=op.f('fk_late_entry_scan_id')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_late_entry_task_id')),
    sa.PrimaryKeyConstraint('task_id', name=op.f('pk_late_entry'))
    )
    with op.batch_alter_table('late_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_late_entry_matter_id'), ['matter_id'], unique=False)




def downgrade() -> None:

    with op.batch_alter_table('late_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_late_entry_matter_id'))

    op.drop_table('late_entry')

