"""Gives the Chinese texts of the tree the marks of Chinese writing (GB/T 15834), whatever the keyboard wrote.

A mark is mended where the text around it is Chinese; what is filled in later, a tag, an address or a number says nothing
about that. Only texts are looked at, never the code around them. A line that ends with `# as it is` stays so.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from jinja2 import Environment

ROOT = Path(__file__).parents[1]
# What earlier releases wrote into databases stays, and so does what another script writes from what is mended here.
KEPT = ("decision_flow/migrations/", "docs/rules/", "docs/adr/")
WIDE = str.maketrans(",;:?!()", "\uff0c\uff1b\uff1a\uff1f\uff01\uff08\uff09")
QUOTES = str.maketrans("\u300c\u300d\u300e\u300f", "\u201c\u201d\u2018\u2019")
CHINESE = re.compile("[\u2014\u2018-\u201d\u2026\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
HAN = re.compile("[\u300c-\u300f\u3400-\u9fff]")
WORD = re.compile("[A-Za-z]{2,}")
# Stand-ins for what is filled in, for what ends a line, and between the pieces of a text.
FILLED, ENDED, CUT = "\ue000", "\ue001", "\ue002"
HELD = re.compile(
    r"(?P<end>\\[^u])|%\(\w+\)[sd]|%[sd%]|\\u[0-9a-f]{4}|&#?\w+;|https?://[^\s\u2000-\uffff]*|</?[A-Za-z][^<>]*>|\{[^{}]*\}"
)
# The pieces of a text: from where to where each stands in its file.
Text = list[tuple[int, int]]


def mended(text: str, chinese: bool = False) -> str:
    """Return a text with its marks; `chinese` where even a line of nothing but values is known to be Chinese."""
    return "\n".join(_mended(line, chinese) for line in text.split("\n"))


def _mended(line: str, chinese: bool) -> str:
    held = iter([found[0] for found in HELD.finditer(line)])
    shown = HELD.sub(lambda found: ENDED if found["end"] else FILLED, line)
    if not chinese and len(HAN.findall(shown)) < len(WORD.findall(shown)):
        return line
    told = shown.translate(QUOTES)
    # A mark beside one that was widened stands in Chinese too.
    while (wider := _widened(told, chinese)) != told:
        told = wider
    return re.sub(f"[{FILLED}{ENDED}]", lambda _: next(held), told)


def _widened(text: str, chinese: bool) -> str:
    found = {place for place, mark in enumerate(text) if mark in ",;:?!" and _is_chinese(text, place, place, chinese)}
    opened: list[int] = []
    for place, mark in enumerate(text):
        if mark == "(":
            opened.append(place)
        elif mark == ")":
            first = opened.pop() if opened else place
            if _is_chinese(text, first, place, chinese):
                found |= {first, place}
    found |= {place for place in opened if _is_chinese(text, place, place, chinese)}
    told = ""
    for place, mark in enumerate(text):
        if place in found:
            told = (told.rstrip(" ") if mark == "(" else told) + mark.translate(WIDE)
        # The space that an ASCII mark needs beside it goes with it.
        elif mark != " " or place - 1 not in found or text[place - 1] == "(":
            told += mark
    return told


def _is_chinese(text: str, first: int, last: int, chinese: bool) -> bool:
    """Whether the mark at `first`, or the pair at `first` and `last`, stands at a Chinese word, before or after."""
    around = [_nearest(text[:first][::-1]), _nearest(text[last + 1 :])]
    if first != last:
        # A function with what it is given, in words or filled in.
        if re.search("[a-z_]$", text[:first]) and text[first + 1] in ("'", '"', "\u2026", FILLED, ENDED, CUT):
            return False
        around += [_nearest(text[first + 1 :]), _nearest(text[:last][::-1])]
    return any(CHINESE.match(mark) for mark in around) or (
        chinese and not any(re.match(r"\w", mark) for mark in around)
    )


def _nearest(text: str) -> str:
    return text.lstrip(f" {FILLED}{CUT}")[:1]


def in_python(source: str) -> Iterator[Text]:
    """Literals next to one another are one text; docstrings and regular expressions (raw strings) are none."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    before, text = tokenize.NEWLINE, Text()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NL, tokenize.COMMENT):
            continue
        if token.type == tokenize.STRING and (
            text or before not in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        ):
            shape = re.match(r"([A-Za-z]*)('''|\"\"\"|'|\")", token.string)
            assert shape
            first = starts[token.start[0] - 1] + token.start[1] + shape.end()
            last = first + len(token.string) - shape.end() - len(shape[2])
            kind = shape[1].lower()
            if "f" in kind and "r" not in kind:
                fields = list(_fields(source, first, last))
                for field in fields:
                    yield from quoted(source, *field)
                text += _around(fields, first, last)
            elif "r" not in kind:
                text.append((first, last))
        elif token.type != tokenize.STRING:
            yield text
            text = Text()
        before = token.type


def _fields(source: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    """From where to where the fields of an f-string or of a template literal stand, braces included."""
    depth, start, place = 0, first, first
    while place < last:
        if not depth and source[place : place + 2] in ("{{", "}}"):
            place += 1
        elif source[place] == "{":
            start, depth = (start, depth + 1) if depth else (place, 1)
        elif source[place] == "}" and depth:
            depth -= 1
            if not depth:
                yield start, place + 1
        place += 1


def _around(fields: Text, first: int, last: int) -> Text:
    return list(zip([first, *(end for _, end in fields)], [*(start for start, _ in fields), last], strict=True))


def quoted(source: str, first: int, last: int) -> Iterator[Text]:
    """What stands in quotation marks of a program, between two places of its text."""
    for found in re.compile(r"'[^'\n]*'|\"[^\"\n]*\"").finditer(source, first, last):
        yield [(found.start() + 1, found.end() - 1)]


def in_template(source: str) -> Iterator[Text]:
    """Only expressions say something in Chinese; a house test sees to that."""
    place = 0
    for _, kind, value in _templates().lex(source):
        place = source.index(value, place)
        if kind == "string":
            yield [(place + 1, place + len(value) - 1)]
        place += len(value)


@cache
def _templates() -> Environment:
    return Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"])


def in_catalogue(source: str) -> Iterator[Text]:
    for entry in re.finditer(r'^msgid ("(?:.*)"\n)+', source, re.M):
        lines = re.compile(r'"(.*)"$', re.M).finditer(source, entry.start(), entry.end())
        yield [line.span(1) for line in lines]


def in_script(source: str) -> Iterator[Text]:
    literal = r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`"
    for found in re.finditer(literal, source, re.S):
        first, last = found.start() + 1, found.end() - 1
        if found[0][0] == "`":
            fields = list(_fields(source, first, last))
            for field in fields:
                yield from quoted(source, *field)
            yield _around(fields, first, last)
        elif found[0][0] != "/":
            yield [(first, last)]


def of_pattern(pattern: str) -> Callable[[str], Iterator[Text]]:
    """Return what finds the texts that stand in the group of a pattern; where the group is empty there is none."""

    def find(source: str) -> Iterator[Text]:
        for found in re.finditer(pattern, source, re.M):
            if found[1]:
                yield [found.span(1)]

    return find


FINDERS: dict[str, Callable[[str], Iterator[Text]]] = {
    "py": in_python,
    "html": in_template,
    "po": in_catalogue,
    "js": in_script,
    # Not what is computed: it stands in its own words.
    "toml": of_pattern(r'^\s*#.*|(?:expr|auto|pattern|\w+_if) = "[^"\n]*"|\'[^\'\n]*\'|"((?:\\.|[^"\\\n])*)"'),
    "bpmn": of_pattern(r'(?:="|>)([^"<>][^<>"]*)(?=["<])|>([^<>]+)(?=<)'),
    "conf": of_pattern(r'"([^"\n]*)"'),
    "txt": of_pattern(r"^(.+)$"),
    "typ": of_pattern(r'"([^"\n]*)"|(?<=\[)([^\[\]"]*)(?=\])'),
    "md": of_pattern(r"(?<=\| )([^|\n]+?)(?= \|)"),
}
FINDERS["dmn"] = FINDERS["bpmn"]


def mend(path: str, source: str) -> str:
    """Return what stands in a file, mended."""
    chinese = path.startswith("decision_flow/messages/zh/")
    told = {}
    for text in FINDERS[path.rsplit(".", 1)[-1]](source):
        before = CUT.join(source[first:last] for first, last in text)
        if CHINESE.search(before) or chinese:
            after = mended(before, chinese)
            if after != before:
                told |= dict(zip(text, after.split(CUT), strict=True))
    for (first, last), after in sorted(told.items(), reverse=True):
        if "# as it is" not in source[last:].split("\n", 1)[0]:
            source = source[:first] + after + source[last:]
    return source


def files() -> Iterator[str]:
    """Every file of the tree whose texts are held to this."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for path in listed.splitlines():
        if path.rsplit(".", 1)[-1] in FINDERS and not path.startswith(KEPT) and (ROOT / path).is_file():
            yield path


def places() -> Iterator[str]:
    """Every line that a mending would change, and how."""
    for path in files():
        source = (ROOT / path).read_text("utf-8")
        after = mend(path, source)
        if after != source:
            for number, (old, new) in enumerate(zip(source.split("\n"), after.split("\n"), strict=True), 1):
                if old != new:
                    yield f"{path}:{number}: {new.strip()}"


def main(asked: list[str]) -> int:
    if asked == ["--check"]:
        found = list(places())
        print("\n".join([*found, "Run scripts/punctuation."] if found else []), end="\n" if found else "")
        return bool(found)
    for path in files():
        source = (ROOT / path).read_bytes().decode()
        after = mend(path, source)
        if after != source:
            (ROOT / path).write_bytes(after.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
