"""catalogues and linked records"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0003'
down_revision = '0002'


def upgrade() -> None:

    op.create_table('catalogue',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('party_consent_doc_no', sa.String(length=80), nullable=False),
    sa.Column('party_consent_on', sa.Date(), nullable=True),
    sa.Column('created_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('created_as', sa.String(length=200), nullable=False),
    sa.Column('published_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('published_as', sa.String(length=200), nullable=False),
    sa.Column('completion_published_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organ_id'], ['organisation.id'], name=op.f('fk_catalogue_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_catalogue')),
    sa.UniqueConstraint('organ_id', 'year', 'number', name=op.f('uq_catalogue_organ_id_year_number'))
    )
    op.create_table('catalogue_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('catalogue_id', sa.Integer(), nullable=False),
    sa.Column('seq_no', sa.Integer(), nullable=False),
    sa.Column('matter_name', sa.String(length=200), nullable=False),
    sa.Column('undertaking_unit_id', sa.Integer(), nullable=False),
    sa.Column('planned_finish', sa.String(length=7), nullable=False),
    sa.Column('required_steps', decision_flow.db.Json, nullable=False),
    sa.Column('completion', sa.String(length=12), nullable=False),
    sa.Column('completion_note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['catalogue_id'], ['catalogue.id'], name=op.f('fk_catalogue_item_catalogue_id')),
    sa.ForeignKeyConstraint(['undertaking_unit_id'], ['organisation.id'], name=op.f('fk_catalogue_item_undertaking_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_catalogue_item')),
    sa.UniqueConstraint('catalogue_id', 'seq_no', name=op.f('uq_catalogue_item_catalogue_id_seq_no'))
    )
    op.create_table('linked_record',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('number', sa.String(length=80), nullable=False),
    sa.Column('occurred_on', sa.Date(), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('recorded_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('recorded_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_linked_record_matter_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_linked_record')),
    sa.UniqueConstraint('matter_id', 'kind', 'number', name=op.f('uq_linked_record_matter_id_kind_number'))
    )
    with op.batch_alter_table('linked_record', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_linked_record_matter_id_linked_record_kind'), ['matter_id', 'kind'], unique=False)




def downgrade() -> None:

    with op.batch_alter_table('linked_record', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_linked_record_matter_id_linked_record_kind'))

    op.drop_table('linked_record')
    op.drop_table('catalogue_item')
    op.drop_table('catalogue')

