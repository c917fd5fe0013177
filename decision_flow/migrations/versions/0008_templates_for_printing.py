"""templates for printing"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0008'
down_revision = '0007'


def upgrade() -> None:

    op.create_table('print_template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organ_id', sa.Integer(), nullable=False),
    sa.Column('form', sa.String(length=20), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=True),
    sa.Column('set_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('set_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_print_template_document_id')),
    sa.ForeignKeyConstraint(['organ_id'], ['organisation.id'], name=op.f('fk_print_template_organ_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_print_template'))
    )
    with op.batch_alter_table('print_template', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_print_template_organ_id_print_template_form_print_template_id'), ['organ_id', 'form', 'id'], unique=False)




def downgrade() -> None:

    with op.batch_alter_table('print_template', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_print_template_organ_id_print_template_form_print_template_id'))

    op.drop_table('print_template')

