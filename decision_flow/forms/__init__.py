"""Forms as data: read from a form file, frozen into a procedure's version, validated in one place.

`definition` what a form consists of · `reading` a form file, read strictly · `values` one value of each type ·
`checking` what applies, what is missing, the checks · `functions` what conditions may call · `form` all of it
behind one value. Pure: no database, no web.
"""

from decision_flow.forms.definition import MAX_ROWS, Check, Field, Option
from decision_flow.forms.form import Form
from decision_flow.forms.functions import FUNCTIONS, holds

__all__ = ["FUNCTIONS", "MAX_ROWS", "Check", "Field", "Form", "Option", "holds"]
