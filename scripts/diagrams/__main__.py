"""Writes the drawing (BPMN DI) of the diagrams named, or of all shipped ones, anew from their model."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from lxml import etree

from decision_flow import drawing

SHIPPED = Path(__file__).resolve().parents[2] / "bpmn" / "procedures"


def redraw(path: Path) -> None:
    """Write a file again: the model line by line as it is, the drawing new."""
    root = etree.parse(str(path), etree.XMLParser(remove_blank_text=True)).getroot()
    drawing.draw(root)
    etree.indent(root, "  ")
    text = re.sub(r"(?<=[\w\"])/>", " />", etree.tostring(root, encoding="unicode"))
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', "utf-8")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else sorted(SHIPPED.glob("*/*.bpmn")):
        redraw(path)
