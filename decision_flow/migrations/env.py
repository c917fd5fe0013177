"""Alembic's environment: runs on the connection that `upgrade` hands over, within its transaction."""

from alembic import context

from decision_flow import models  # noqa: F401 - makes the metadata complete
from decision_flow.db import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
