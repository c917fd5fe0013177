"""what an event mentions, and the trail in the order of time"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0013'
down_revision = '0012'

GUARD = {
    "sqlite": [
        f"CREATE TRIGGER trail_mention_no_{act} BEFORE {act.upper()} ON trail_mention "
        "BEGIN SELECT RAISE(ABORT, 'the trail is never changed'); END"
        for act in ("update", "delete")
    ],
    "postgresql": [
        "CREATE TRIGGER trail_mention_no_change BEFORE UPDATE OR DELETE ON trail_mention "
        "FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()",
        "CREATE TRIGGER trail_mention_no_truncate BEFORE TRUNCATE ON trail_mention "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()",
    ],
}


def upgrade() -> None:
    op.create_table('trail_mention',
    sa.Column('value', sa.String(length=64), nullable=False),
    sa.Column('at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('value', 'at', 'event_id', name=op.f('pk_trail_mention')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_trail_mention_event_id'), 'trail_mention', ['event_id'])
    op.drop_index(op.f('ix_audit_event_at'), 'audit_event')
    op.drop_index(op.f('ix_audit_event_event'), 'audit_event')
    op.drop_index(op.f('ix_audit_event_actor_id_audit_event_id'), 'audit_event')
    op.create_index(op.f('ix_audit_event_at_audit_event_id'), 'audit_event', ['at', 'id'])
    op.create_index(op.f('ix_audit_event_actor_id_audit_event_at_audit_event_id'), 'audit_event', ['actor_id', 'at', 'id'])
    op.create_index(op.f('ix_audit_event_event_audit_event_at_audit_event_id'), 'audit_event', ['event', 'at', 'id'])
    _fill(op.get_bind())
    for statement in GUARD[op.get_bind().dialect.name]:
        op.execute(statement)


def _fill(bind: sa.Connection) -> None:
    """Write what the events so far mention. The rule is that of `audit.mentioned` on this day, written out."""
    event = sa.table('audit_event', sa.column('id'), sa.column('at'), sa.column('canonical'))
    mention = sa.table('trail_mention', sa.column('value'), sa.column('at'), sa.column('event_id'))
    last = 0
    while True:
        rows = bind.execute(sa.select(event).where(event.c.id > last).order_by(event.c.id).limit(2000)).all()
        if not rows:
            return
        last = rows[-1].id
        found = [
            {'value': value, 'at': row.at, 'event_id': row.id}
            for row in rows
            for value in _mentioned(json.loads(row.canonical))
        ]
        if found:
            bind.execute(sa.insert(mention), found)


def _mentioned(told: dict) -> set[str]:
    found = {rule for rule in told['rules'] if len(rule) <= 64}

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key in ('sha256', 'scan') and isinstance(inner, str) and len(inner) == 64:
                    found.add(inner)
                else:
                    walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(told['facts'])
    return found


def downgrade() -> None:
    op.drop_index(op.f('ix_audit_event_event_audit_event_at_audit_event_id'), 'audit_event')
    op.drop_index(op.f('ix_audit_event_actor_id_audit_event_at_audit_event_id'), 'audit_event')
    op.drop_index(op.f('ix_audit_event_at_audit_event_id'), 'audit_event')
    op.create_index(op.f('ix_audit_event_actor_id_audit_event_id'), 'audit_event', ['actor_id', 'id'])
    op.create_index(op.f('ix_audit_event_event'), 'audit_event', ['event'])
    op.create_index(op.f('ix_audit_event_at'), 'audit_event', ['at'])
    op.drop_table('trail_mention')
