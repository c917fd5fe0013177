"""Procedures as files of an office lie about: diagrams alone, folders of them, bundles, and what is found beside."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from decision_flow.engine.decisions import read_tables
from decision_flow.engine.markup import MAX_BYTES
from decision_flow.errors import N_, Invalid
from decision_flow.resources import shipped_forms, shipped_tables
from decision_flow.verification.gathering import Case, gather

DESCRIPTION = "bundle.toml"


def cases(paths: Iterable[Path]) -> list[Case]:
    """Return what is to be judged of `paths`: diagrams, bundles as folders or ZIPs, and folders of any of these.

    A file that is given twice counts once. Raises `Invalid` naming what cannot be read, or holds no procedure.
    """
    found: list[Case] = []
    loose: dict[Path, Path] = {}
    contents: dict[str, bytes] = {}
    for path in paths:
        try:
            below = list(_below(path)) if path.is_dir() else [path]
            for each in below:
                if each.name == DESCRIPTION:
                    from decision_flow.procedures import read_folder

                    found.append(Case(str(each.parent), read_folder(each.parent).bundle))
                elif each.suffix == ".zip":
                    from decision_flow.modelling import archive

                    found.append(Case(str(each), archive.unpack(each.read_bytes()).bundle))
                elif loose.setdefault(each.resolve(), each) == each:
                    contents[str(each)] = each.read_bytes()
        except OSError as error:
            raise Invalid(N_("文件“%(name)s”读不出来：%(reason)s"), name=str(path), reason=str(error)) from error
        if not below:
            raise Invalid(N_("文件“%(name)s”中没有流程。"), name=str(path))
    gathered = gather(contents, Beside(loose))
    if contents and not gathered:
        raise Invalid(N_("文件“%(name)s”中没有流程。"), name=next(iter(contents)))
    return found + gathered


def _below(folder: Path) -> Iterator[Path]:
    """Yield the description of each bundle in `folder`, and each diagram that lies in none.

    A bundle has its forms in a folder of their own; without them its diagrams lie about like others.
    """
    for place, folders, names in os.walk(folder):
        folders.sort()
        if DESCRIPTION in names and (Path(place).resolve().parent.parent / "forms").is_dir():
            folders.clear()
            yield Path(place, DESCRIPTION)
        else:
            yield from (Path(place, name) for name in sorted(names) if name.endswith(".bpmn"))


class Beside:
    """The shelf of a diagram is its own folder; for forms and tables that do not lie there the shipped ones.

    Links out of the folder are not followed, and what is too large for a diagram is not looked at.
    """

    def __init__(self, given: Mapping[Path, Path]) -> None:
        self._given = given
        self._diagrams: dict[Path, dict[str, bytes]] = {}
        self._tables: dict[Path, dict[str, tuple[str, bytes]]] = {}

    def diagrams(self, file: str) -> Mapping[str, bytes]:
        """Return the diagrams in the folder of `file`, each by the name it was given with if it was."""
        folder = Path(file).parent
        if folder not in self._diagrams:
            self._diagrams[folder] = {
                str(self._given.get(path.resolve(), path)): content for path, content in _files(folder, "*.bpmn")
            }
        return self._diagrams[folder]

    def form(self, file: str, key: str) -> bytes | None:
        """Return the form `key` that lies beside `file`, or else the shipped one."""
        own = dict(_files(Path(file).parent, f"{key}.toml")) if re.fullmatch(r"[\w-]+", key) else {}
        return next(iter(own.values()), None) or shipped_forms().get(key)

    def table(self, file: str, key: str) -> tuple[str, bytes] | None:
        """Return name and content of the table `key` that lies beside `file`, or else of the shipped one."""
        folder = Path(file).parent
        if folder not in self._tables:
            self._tables[folder] = {
                name: (path.name, content) for path, content in _files(folder, "*.dmn") for name in _decisions(content)
            }
        return self._tables[folder].get(key) or shipped_tables().get(key)

    def start(self, file: str, process: str) -> tuple[str, ...]:
        """Return the forms that a matter of `process` begins and is led with, if a description beside says so."""
        for _, content in _files(Path(file).parent, DESCRIPTION):
            try:
                told = tomllib.loads(content.decode())
            except (UnicodeDecodeError, tomllib.TOMLDecodeError):
                continue
            if told.get("main") == process:
                keys = [told.get("start_form"), *(told.get("acts") or ())]
                return tuple(key for key in keys if isinstance(key, str) and key)
        return ()


def _files(folder: Path, pattern: str) -> Iterator[tuple[Path, bytes]]:
    home = folder.resolve()
    for path in sorted(folder.glob(pattern)):
        try:
            if path.is_file() and path.resolve().parent == home and path.stat().st_size <= MAX_BYTES:
                yield path, path.read_bytes()
        except OSError:
            continue  # It was not given; whoever gives it is told.


def _decisions(content: bytes) -> list[str]:
    try:
        return list(read_tables({"": content}))
    except Invalid:
        return []  # A call for it finds the shipped one, or none.
