"""A form as data: read from its file (TOML), frozen into the procedure's version, validated in one place."""

from decision_flow.forms.definition import MAX_ROWS, Check, Field, Option
from decision_flow.forms.form import Form, holds

__all__ = ["MAX_ROWS", "Check", "Field", "Form", "Option", "holds"]
