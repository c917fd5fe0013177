"""The trail in the formats of an auditor's trade: events by matter, person, rule and period, one at a time.

Every writer takes (session, filters, target) and returns how many events it wrote; `tick`, when given, is called
with the count after every `BATCH` of them. None of them proves anything by itself: that is the trail of
`checkpoints.lines` and the package of a matter.
"""

from decision_flow.trail_exports.logs import to_xes
from decision_flow.trail_exports.objects import to_ocel
from decision_flow.trail_exports.resuming import write as write_resumable
from decision_flow.trail_exports.selection import BATCH, Filters, Tick, chosen, events, silent
from decision_flow.trail_exports.tables import HEADINGS, LINES, neutral, pieces, row, to_csv, to_jsonl, to_xlsx

WRITERS = {"jsonl": to_jsonl, "csv": to_csv, "xlsx": to_xlsx, "xes": to_xes, "ocel": to_ocel}

__all__ = [
    "BATCH", "Filters", "HEADINGS", "LINES", "Tick", "WRITERS", "chosen", "events", "neutral", "pieces", "row",
    "silent", "to_csv", "to_jsonl", "to_ocel", "to_xes", "to_xlsx", "write_resumable",
]  # fmt: skip
