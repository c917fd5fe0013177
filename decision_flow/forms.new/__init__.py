"""Forms as data: read from a form file, and the one validator of page, API and import.

`definition` what a form consists of · `reading` a form file into a form · `values` one value of each type ·
`checking` what must be filled in, what applies, the checks · `functions` what their conditions may call ·
`description` the JSON Schema · `form` all of it behind one value. Pure: no database, no web.
"""

from decision_flow.forms.definition import MAX_LONG, MAX_ROWS, MAX_TEXT, TYPES, Check, Field, Option
from decision_flow.forms.form import Form
from decision_flow.forms.functions import FUNCTIONS, holds
from decision_flow.forms.problems import Problem

__all__ = [
    "FUNCTIONS", "MAX_LONG", "MAX_ROWS", "MAX_TEXT", "TYPES", "Check", "Field", "Form", "Option", "Problem", "holds",
]  # fmt: skip
