"""Printing: what a completed form says on paper, as Word from a template that an office can edit."""

from decision_flow.printing.content import Line, Printed, Section, Table, day, moment, printed
from decision_flow.printing.defaults import default_template, layout_of
from decision_flow.printing.word import MAX_TEMPLATE, check_template, render

__all__ = [
    "MAX_TEMPLATE", "Line", "Printed", "Section", "Table", "check_template", "day", "default_template", "layout_of",
    "moment", "printed", "render",
]  # fmt: skip
