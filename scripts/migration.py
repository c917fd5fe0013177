"""Writes the next migration: upgrades an empty database to head, then lets Alembic compare it with the models."""

import sys
import tempfile
from pathlib import Path

from alembic import command

from decision_flow import migrations
from decision_flow.db import Database

with tempfile.TemporaryDirectory() as folder:
    database = Database(f"sqlite:///{Path(folder) / 'schema.db'}")
    migrations.upgrade(database)
    number = len(list((Path(migrations.__file__).parent / "versions").glob("*.py"))) + 1
    with database.engine.begin() as connection:
        config = migrations.alembic_config(connection)
        command.revision(config, sys.argv[1], autogenerate=True, rev_id=f"{number:04d}")
