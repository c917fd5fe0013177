"""public participation and registries"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import decision_flow.db

revision = '0006'
down_revision = '0005'


def upgrade() -> None:

    op.create_table('institution',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('credit_code', sa.String(length=18), nullable=False),
    sa.Column('legal_representative', sa.String(length=40), nullable=False),
    sa.Column('field', sa.String(length=100), nullable=False),
    sa.Column('pool_level', sa.String(length=12), nullable=False),
    sa.Column('standing', sa.String(length=12), nullable=False),
    sa.Column('registered_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_institution')),
    sa.UniqueConstraint('credit_code', name=op.f('uq_institution_credit_code')),
    sa.UniqueConstraint('name', name=op.f('uq_institution_name'))
    )
    with op.batch_alter_table('institution', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_institution_standing'), ['standing'], unique=False)

    op.create_table('rate_count',
    sa.Column('source', sa.String(length=80), nullable=False),
    sa.Column('window', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('hits', sa.Integer(), nullable=False),
    sa.Column('ends_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('source', 'window', name=op.f('pk_rate_count'))
    )
    with op.batch_alter_table('rate_count', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_rate_count_ends_at'), ['ends_at'], unique=False)

    op.create_table('expert',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('field', sa.String(length=100), nullable=False),
    sa.Column('title', sa.String(length=100), nullable=False),
    sa.Column('employer', sa.String(length=120), nullable=False),
    sa.Column('employer_credit_code', sa.String(length=18), nullable=False),
    sa.Column('known_position', sa.String(length=200), nullable=False),
    sa.Column('pool_level', sa.String(length=12), nullable=False),
    sa.Column('standing', sa.String(length=12), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('registered_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_expert_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_expert')),
    sa.UniqueConstraint('user_id', name=op.f('uq_expert_user_id'))
    )
    with op.batch_alter_table('expert', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_expert_standing'), ['standing'], unique=False)

    op.create_table('standing_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('expert_id', sa.Integer(), nullable=True),
    sa.Column('institution_id', sa.Integer(), nullable=True),
    sa.Column('standing', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('changed_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('changed_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['expert_id'], ['expert.id'], name=op.f('fk_standing_change_expert_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_standing_change_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_standing_change'))
    )
    with op.batch_alter_table('standing_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_standing_change_expert_id_standing_change_id'), ['expert_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_standing_change_institution_id_standing_change_id'), ['institution_id', 'id'], unique=False)

    op.create_table('interested_party',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('relation', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('credit_code', sa.String(length=18), nullable=False),
    sa.Column('legal_representative', sa.String(length=40), nullable=False),
    sa.Column('recorded_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('recorded_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_interested_party_matter_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_interested_party'))
    )
    with op.batch_alter_table('interested_party', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_interested_party_matter_id_interested_party_id'), ['matter_id', 'id'], unique=False)

    op.create_table('expert_rating',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('expert_id', sa.Integer(), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=False),
    sa.Column('rating', sa.String(length=12), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('rated_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('rated_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['expert_id'], ['expert.id'], name=op.f('fk_expert_rating_expert_id')),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_expert_rating_matter_id')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_expert_rating_task_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_expert_rating')),
    sa.UniqueConstraint('expert_id', 'task_id', name=op.f('uq_expert_rating_expert_id_task_id'))
    )
    op.create_table('notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('sections', decision_flow.db.Json, nullable=False),
    sa.Column('open_on', sa.Date(), nullable=True),
    sa.Column('close_on', sa.Date(), nullable=True),
    sa.Column('short_reason', sa.Text(), nullable=False),
    sa.Column('channels', decision_flow.db.Json, nullable=False),
    sa.Column('facts', decision_flow.db.Json, nullable=False),
    sa.Column('draft_document_id', sa.Integer(), nullable=True),
    sa.Column('explanation_document_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('replaces_id', sa.Integer(), nullable=True),
    sa.Column('published_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('published_as', sa.String(length=200), nullable=False),
    sa.Column('withdrawn_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_as', sa.String(length=200), nullable=False),
    sa.Column('withdrawn_reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['draft_document_id'], ['document.id'], name=op.f('fk_notice_draft_document_id')),
    sa.ForeignKeyConstraint(['explanation_document_id'], ['document.id'], name=op.f('fk_notice_explanation_document_id')),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_notice_matter_id')),
    sa.ForeignKeyConstraint(['replaces_id'], ['notice.id'], name=op.f('fk_notice_replaces_id')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_notice_task_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice')),
    sa.UniqueConstraint('number', name=op.f('uq_notice_number'))
    )
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notice_kind_notice_published_at'), ['kind', 'published_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_matter_id_notice_id'), ['matter_id', 'id'], unique=False)

    op.create_table('enrolment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('receipt', sa.String(length=24), nullable=False),
    sa.Column('notice_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('side', sa.String(length=200), nullable=False),
    sa.Column('contact', sa.String(length=100), nullable=False),
    sa.Column('view', sa.Text(), nullable=False),
    sa.Column('is_civil_servant', sa.Boolean(), nullable=False),
    sa.Column('enrolled_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('token_key', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['notice_id'], ['notice.id'], name=op.f('fk_enrolment_notice_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_enrolment')),
    sa.UniqueConstraint('notice_id', 'number', name=op.f('uq_enrolment_notice_id_number')),
    sa.UniqueConstraint('receipt', name=op.f('uq_enrolment_receipt')),
    sa.UniqueConstraint('token_key', name=op.f('uq_enrolment_token_key'))
    )
    op.create_table('hearing_draw',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('notice_id', sa.Integer(), nullable=False),
    sa.Column('seed_sha256', sa.String(length=64), nullable=False),
    sa.Column('seed', sa.String(length=64), nullable=False),
    sa.Column('public_value', sa.String(length=200), nullable=False),
    sa.Column('entries', decision_flow.db.Json, nullable=True),
    sa.Column('result', decision_flow.db.Json, nullable=True),
    sa.Column('drawn_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('drawn_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['notice_id'], ['notice.id'], name=op.f('fk_hearing_draw_notice_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hearing_draw')),
    sa.UniqueConstraint('notice_id', name=op.f('uq_hearing_draw_notice_id'))
    )
    op.create_table('opinion',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('receipt', sa.String(length=24), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('notice_id', sa.Integer(), nullable=True),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('channel', sa.String(length=20), nullable=False),
    sa.Column('person_or_org', sa.String(length=100), nullable=False),
    sa.Column('contact', sa.String(length=100), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('position', sa.String(length=10), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('received_at', decision_flow.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('entered_by_id', sa.Integer(), nullable=True),
    sa.Column('entered_as', sa.String(length=200), nullable=False),
    sa.Column('group_label', sa.String(length=60), nullable=False),
    sa.Column('assignee_id', sa.Integer(), nullable=True),
    sa.Column('disposition', sa.String(length=12), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('disposed_at', decision_flow.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('disposed_as', sa.String(length=200), nullable=False),
    sa.Column('content_sha256', sa.String(length=64), nullable=False),
    sa.Column('token_key', sa.String(length=64), nullable=True),
    sa.Column('content_key', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['assignee_id'], ['user_account.id'], name=op.f('fk_opinion_assignee_id')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['user_account.id'], name=op.f('fk_opinion_entered_by_id')),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_opinion_matter_id')),
    sa.ForeignKeyConstraint(['notice_id'], ['notice.id'], name=op.f('fk_opinion_notice_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opinion')),
    sa.UniqueConstraint('content_key', name=op.f('uq_opinion_content_key')),
    sa.UniqueConstraint('matter_id', 'number', name=op.f('uq_opinion_matter_id_number')),
    sa.UniqueConstraint('receipt', name=op.f('uq_opinion_receipt')),
    sa.UniqueConstraint('token_key', name=op.f('uq_opinion_token_key'))
    )
    with op.batch_alter_table('opinion', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_opinion_content_sha256'), ['content_sha256'], unique=False)
        batch_op.create_index(batch_op.f('ix_opinion_matter_id_opinion_disposition_opinion_number'), ['matter_id', 'disposition', 'number'], unique=False)
        batch_op.create_index(batch_op.f('ix_opinion_notice_id'), ['notice_id'], unique=False)




def downgrade() -> None:

    with op.batch_alter_table('opinion', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_opinion_notice_id'))
        batch_op.drop_index(batch_op.f('ix_opinion_matter_id_opinion_disposition_opinion_number'))
        batch_op.drop_index(batch_op.f('ix_opinion_content_sha256'))

    op.drop_table('opinion')
    op.drop_table('hearing_draw')
    op.drop_table('enrolment')
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_notice_matter_id_notice_id'))
        batch_op.drop_index(batch_op.f('ix_notice_kind_notice_published_at'))

    op.drop_table('notice')
    op.drop_table('expert_rating')
    with op.batch_alter_table('interested_party', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_interested_party_matter_id_interested_party_id'))

    op.drop_table('interested_party')
    with op.batch_alter_table('standing_change', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_standing_change_institution_id_standing_change_id'))
        batch_op.drop_index(batch_op.f('ix_standing_change_expert_id_standing_change_id'))

    op.drop_table('standing_change')
    with op.batch_alter_table('expert', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_expert_standing'))

    op.drop_table('expert')
    with op.batch_alter_table('rate_count', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_rate_count_ends_at'))

    op.drop_table('rate_count')
    with op.batch_alter_table('institution', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_institution_standing'))

    op.drop_table('institution')

