"""the trail in SM3 beside SHA-256, and its signed checkpoints"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0011'
down_revision = '0010'

GUARD = {
    "sqlite": [
        f"CREATE TRIGGER trail_checkpoint_no_{act} BEFORE {act.upper()} ON trail_checkpoint "
        "BEGIN SELECT RAISE(ABORT, 'the trail is never changed'); END"
        for act in ("update", "delete")
    ],
    "postgresql": [
        "CREATE TRIGGER trail_checkpoint_no_change BEFORE UPDATE OR DELETE ON trail_checkpoint "
        "FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()",
        "CREATE TRIGGER trail_checkpoint_no_truncate BEFORE TRUNCATE ON trail_checkpoint "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()",
    ],
}


def upgrade() -> None:
    # Plain ADD COLUMN: copying the table would lose the triggers that guard it.
    op.add_column('audit_event', sa.Column('sm3', sa.String(64), nullable=False, server_default=''))
    op.add_column('audit_stream', sa.Column('sm3', sa.String(64), nullable=False, server_default='0' * 64))
    op.create_table('trail_checkpoint',
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('made_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('root', sa.String(length=64), nullable=False),
    sa.Column('streams', sa.Text(), nullable=False),
    sa.Column('frontier', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('signature', sa.String(length=128), nullable=False),
    sa.Column('public_key', sa.String(length=64), nullable=False),
    sa.Column('timestamp', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_trail_checkpoint'))
    )
    for statement in GUARD[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table('trail_checkpoint')
    op.drop_column('audit_stream', 'sm3')
    op.drop_column('audit_event', 'sm3')
