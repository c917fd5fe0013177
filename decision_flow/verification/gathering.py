"""Loose diagrams made into bundles: which files belong to which procedure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from decision_flow.engine import Bundle
from decision_flow.engine.markup import PREFIX, PROCESS, parse_xml

_FORM = re.compile(rb'formKey="([^"]+)"')


def gather(files: Mapping[str, bytes], form: Callable[[str], bytes | None]) -> list[tuple[str, Bundle]]:
    """Return each process that no other one calls, with the file it stands in and all it needs.

    A call is to a process of its own file, or else to that of any other file: whoever gives many procedures that
    each call themselves `Process_1` is told about every one. `form` finds the content of a form by its key.
    Raises `Invalid` for XML that cannot be read.
    """
    held, calls = {}, {}
    homes: dict[str, list[str]] = {}
    for file, content in files.items():
        tree = parse_xml(file, content)
        held[file] = [process.get("id", "") for process in tree.iter(PROCESS)]
        calls[file] = {node.get("calledElement", "") for node in tree.iter(f"{PREFIX}callActivity")}
        for name in held[file]:
            homes.setdefault(name, []).append(file)
    leads = {
        file: {(home, name) for name in calls[file] for home in ([file] if name in held[file] else homes.get(name, ()))}
        for file in files
    }
    called: set[tuple[str, str]] = set().union(*leads.values())
    every = [(file, name) for file, processes in held.items() for name in processes]
    roots = [each for each in every if each not in called] or every
    return [(file, _bundle(name, list(_needed(file, leads)), files, form)) for file, name in roots]


def _needed(file: str, leads: Mapping[str, set[tuple[str, str]]]) -> Iterator[str]:
    """Yield `file` and those it calls into: only them, so that a fault elsewhere is told where it belongs."""
    seen, stack = {file}, [file]
    while stack:
        at = stack.pop()
        yield at
        for home, _ in sorted(leads[at]):
            if home not in seen:
                seen.add(home)
                stack.append(home)


def _bundle(main: str, needed: list[str], files: Mapping[str, bytes], form: Callable[[str], bytes | None]) -> Bundle:
    keys = sorted({key.decode("utf-8", "replace") for file in needed for key in _FORM.findall(files[file])})
    forms = {f"{key}.toml": content for key in keys if (content := form(key)) is not None}
    return Bundle(main, {file: files[file] for file in needed}, {}, forms)
