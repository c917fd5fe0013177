"""office settings and major items"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0005'
down_revision = '0004'


def upgrade() -> None:

    op.create_table('office_setting',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=60), nullable=False),
    sa.Column('value', sa.String(length=200), nullable=False),
    sa.Column('basis', sa.Text(), nullable=False),
    sa.Column('set_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('set_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['organ_id'], ['organisation.id'], name=op.f('fk_office_setting_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_office_setting'))
    )
    with op.batch_alter_table('office_setting', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_office_setting_organ_id_office_setting_key_office_setting_id'), ['organ_id', 'key', 'id'], unique=False)

    op.create_table('major_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('payee', sa.String(length=120), nullable=False),
    sa.Column('purpose', sa.String(length=200), nullable=False),
    sa.Column('amount', sa.Numeric(precision=16, scale=2), nullable=True),
    sa.Column('route_amount', sa.Numeric(precision=16, scale=2), nullable=True),
    sa.Column('route', sa.String(length=30), nullable=False),
    sa.Column('proposed_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_major_item_matter_id')),
    sa.ForeignKeyConstraint(['organ_id'], ['organisation.id'], name=op.f('fk_major_item_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_major_item')),
    sa.UniqueConstraint('matter_id', name=op.f('uq_major_item_matter_id'))
    )
    with op.batch_alter_table('major_item', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_major_item_organ_id_major_item_payee_major_item_proposed_on'), ['organ_id', 'payee', 'proposed_on'], unique=False)




def downgrade() -> None:

    with op.batch_alter_table('major_item', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_major_item_organ_id_major_item_payee_major_item_proposed_on'))

    op.drop_table('major_item')
    with op.batch_alter_table('office_setting', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_office_setting_organ_id_office_setting_key_office_setting_id'))

    op.drop_table('office_setting')

