"""Drafts of procedures"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    op.create_table('procedure_draft',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=60), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('title_en', sa.String(length=200), nullable=False),
    sa.Column('main', sa.String(length=80), nullable=False),
    sa.Column('start_form', sa.String(length=20), nullable=False),
    sa.Column('policy', sa.String(length=60), nullable=False),
    sa.Column('origin', sa.String(length=200), nullable=False),
    sa.Column('base_version_id', sa.Integer(), nullable=True),
    sa.Column('version_id', sa.Integer(), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=False),
    sa.Column('updated_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('authors', decision_flow.db.Json, nullable=False),
    sa.Column('walked', decision_flow.db.Json, nullable=False),
    sa.ForeignKeyConstraint(['base_version_id'], ['procedure_version.id'], name=op.f('fk_procedure_draft_base_version_id')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user_account.id'], name=op.f('fk_procedure_draft_created_by_id')),
    sa.ForeignKeyConstraint(['updated_by_id'], ['user_account.id'], name=op.f('fk_procedure_draft_updated_by_id')),
    sa.ForeignKeyConstraint(['version_id'], ['procedure_version.id'], name=op.f('fk_procedure_draft_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_procedure_draft'))
    )
    with op.batch_alter_table('procedure_draft', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_procedure_draft_key'), ['key'], unique=False)
        batch_op.create_index(batch_op.f('ix_procedure_draft_state'), ['state'], unique=False)

    op.create_table('procedure_draft_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['draft_id'], ['procedure_draft.id'], name=op.f('fk_procedure_draft_file_draft_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_procedure_draft_file')),
    sa.UniqueConstraint('draft_id', 'kind', 'name', name=op.f('uq_procedure_draft_file_draft_id_kind_name'))
    )


def downgrade() -> None:
    op.drop_table('procedure_draft_file')
    with op.batch_alter_table('procedure_draft', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_procedure_draft_state'))
        batch_op.drop_index(batch_op.f('ix_procedure_draft_key'))

    op.drop_table('procedure_draft')
