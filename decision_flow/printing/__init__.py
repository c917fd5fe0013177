"""Printing: what a form or a matter says on paper, as Word from an office's own template or typeset as PDF/A."""

from decision_flow.printing.content import Line, Printed, Section, Table, day, moment, printed
from decision_flow.printing.defaults import NOTICES, default_template, layout_of
from decision_flow.printing.diagram import svgs
from decision_flow.printing.typeset import pdf
from decision_flow.printing.word import MAX_TEMPLATE, check_template, render

__all__ = [
    "MAX_TEMPLATE", "NOTICES", "Line", "Printed", "Section", "Table", "check_template", "day", "default_template",
    "layout_of", "moment", "pdf", "printed", "render", "svgs",
]  # fmt: skip
