"""where events stand in the tree of the checkpoints, and the roots that proofs are made of"""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'

# Roots are kept from parts of 64 leaves on.
LEVEL = 6
GUARD = {
    "sqlite": [
        f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'the trail is never changed'); END"
        for table in ("trail_node", "trail_stretch")
        for act in ("update", "delete")
    ],
    "postgresql": [
        f"CREATE TRIGGER {table}_no_{name} BEFORE {acts} ON {table} FOR EACH {each} EXECUTE FUNCTION audit_event_refuse()"
        for table in ("trail_node", "trail_stretch")
        for name, acts, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT"))
    ],
}


def upgrade() -> None:
    op.create_table('trail_node',
    sa.Column('upto', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('level', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('hash', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('upto', 'level', name=op.f('pk_trail_node')),
    sqlite_with_rowid=False
    )
    op.create_table('trail_stretch',
    sa.Column('stream', sa.String(length=60), nullable=False),
    sa.Column('last', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('first', sa.Integer(), nullable=False),
    sa.Column('leaf', sa.Integer(), nullable=False),
    sa.Column('checkpoint', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['checkpoint'], ['trail_checkpoint.number'], name=op.f('fk_trail_stretch_checkpoint_trail_checkpoint')),
    sa.PrimaryKeyConstraint('stream', 'last', name=op.f('pk_trail_stretch')),
    sa.UniqueConstraint('leaf', name=op.f('uq_trail_stretch_leaf')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_trail_stretch_checkpoint'), 'trail_stretch', ['checkpoint'])
    _fill(op.get_bind())
    for statement in GUARD[op.get_bind().dialect.name]:
        op.execute(statement)


def _fill(bind: sa.Connection) -> None:
    """Build the tree of the checkpoints so far once more, and keep what proofs are made of."""
    point = sa.table('trail_checkpoint', sa.column('number'), sa.column('streams'))
    stretch = sa.table('trail_stretch', *map(sa.column, ('stream', 'last', 'first', 'leaf', 'checkpoint')))
    sealed: dict[str, int] = {}
    parts: list[bytes] = []
    size = 0
    for number, streams in bind.execute(sa.select(point).order_by(point.c.number)).all():
        try:
            moved = json.loads(streams)
        except ValueError:
            return  # changed since it was signed: the verification says so, and no proof could hold
        for name, last in moved:
            first = sealed.get(name, 0) + 1
            row = {'stream': name, 'last': last, 'first': first, 'leaf': size, 'checkpoint': number}
            bind.execute(sa.insert(stretch), row)
            sealed[name] = last
            size = _grow(bind, parts, size, name, first, last)


def _grow(bind: sa.Connection, parts: list[bytes], size: int, stream: str, first: int, last: int) -> int:
    """Add a stretch of events to the tree, whose complete parts are `parts`; return its size."""
    event = sa.table('audit_event', sa.column('stream'), sa.column('seq'), sa.column('canonical'))
    node = sa.table('trail_node', sa.column('upto'), sa.column('level'), sa.column('hash'))
    query = sa.select(event.c.canonical).order_by(event.c.seq)
    for start in range(first, last + 1, 2000):
        stop = min(start + 1999, last)
        found = []
        for (canonical,) in bind.execute(query.where(event.c.stream == stream, event.c.seq.between(start, stop))):
            rest, level, size = size, 0, size + 1
            made = hashlib.sha256(b'\x00' + canonical.encode()).digest()
            while True:
                if level >= LEVEL:
                    found.append({'upto': size, 'level': level, 'hash': made})
                if not rest & 1:
                    break
                made = hashlib.sha256(b'\x01' + parts.pop() + made).digest()
                rest, level = rest >> 1, level + 1
            parts.append(made)
        if found:
            bind.execute(sa.insert(node), found)
    return size


def downgrade() -> None:
    op.drop_table('trail_stretch')
    op.drop_table('trail_node')
