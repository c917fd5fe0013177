"""timestamps of checkpoints, kept beside them: a checkpoint itself is never changed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0016'
down_revision = '0013'

GUARD = {
    "sqlite": [
        f"CREATE TRIGGER trail_timestamp_no_{act} BEFORE {act.upper()} ON trail_timestamp "
        "BEGIN SELECT RAISE(ABORT, 'the trail is never changed'); END"
        for act in ("update", "delete")
    ],
    "postgresql": [
        "CREATE TRIGGER trail_timestamp_no_change BEFORE UPDATE OR DELETE ON trail_timestamp "
        "FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()",
        "CREATE TRIGGER trail_timestamp_no_truncate BEFORE TRUNCATE ON trail_timestamp "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()",
    ],
}


def upgrade() -> None:
    op.create_table('trail_timestamp',
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('checkpoint', sa.Integer(), nullable=False),
    sa.Column('stamped_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('source', sa.String(length=300), nullable=False),
    sa.Column('reply', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['checkpoint'], ['trail_checkpoint.number'], name=op.f('fk_trail_timestamp_checkpoint_trail_checkpoint')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_trail_timestamp'))
    )
    op.create_index(op.f('ix_trail_timestamp_checkpoint'), 'trail_timestamp', ['checkpoint'])
    # Always empty: a checkpoint could never be given one later.
    op.drop_column('trail_checkpoint', 'timestamp')
    for statement in GUARD[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.add_column('trail_checkpoint', sa.Column('timestamp', sa.Text(), nullable=False, server_default=''))
    op.drop_table('trail_timestamp')
