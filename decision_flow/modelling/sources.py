"""Where a draft begins: a version, a shipped procedure, a template; and what its diagrams need besides."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from lxml import etree

from decision_flow import extraction, procedures
from decision_flow.engine import Bundle
from decision_flow.errors import N_, Invalid, NotFound
from decision_flow.importing import Converted
from decision_flow.procedures import ProcedureSource
from decision_flow.resources import BPMN, shipped_forms, shipped_tables

_FORM_KEY = re.compile(rb'camunda:formKey="(F-[0-9]{1,3}[a-z]?)"')
_TABLE = re.compile(rb'camunda:decisionRef="([A-Za-z0-9_-]{1,40})"')
# A form made for one procedure has a number from here on; it is let go by hand only.
LOCAL_FORMS = 900


@lru_cache(maxsize=1)
def templates() -> tuple[ProcedureSource, ...]:
    """Return the templates that come with the product."""
    return tuple(procedures.read_folder(path.parent) for path in sorted((BPMN / "templates").glob("*/bundle.toml")))


def template(key: str) -> ProcedureSource:
    """Return the template `key`. Raises `NotFound`."""
    found = next((source for source in templates() if source.key == key), None)
    if found is None:
        raise NotFound(N_("没有这个模板。"))
    return found


@lru_cache(maxsize=1)
def shipped_procedures() -> dict[str, ProcedureSource]:
    """Return the procedures that come with the product, by their key."""
    return {source.key: source for source in procedures.shipped(BPMN)}


def shipped_procedure(key: str) -> ProcedureSource:
    """Return the shipped procedure `key`. Raises `NotFound`."""
    found = shipped_procedures().get(key)
    if found is None:
        raise NotFound(N_("本版产品没有提供这个程序。"))
    return found


def renamed(source: ProcedureSource, key: str, title: str) -> ProcedureSource:
    """Return `source` as another procedure: its main process is called `key`, its files stay as they are."""
    main = source.bundle.main
    bpmn: dict[str, bytes] = {}
    for name, content in source.bundle.bpmn.items():
        text = content.decode()
        for attribute in ("id", "processRef", "bpmnElement", "calledElement"):
            text = text.replace(f'{attribute}="{main}"', f'{attribute}="{key}"')
        bpmn[f"{key}.bpmn" if Path(name).stem == main else name] = text.encode()
    bundle = Bundle(main=key, bpmn=bpmn, dmn=source.bundle.dmn, forms=source.bundle.forms)
    return replace(source, key=key, title=title, title_en="", bundle=bundle)


def foreign(converted: Converted, main: str = "") -> ProcedureSource:
    """Return a converted diagram of another tool as a procedure to draft: `main` or the first process that none calls.

    Its key is the process's id as far as a key may be that. Raises `Invalid` when something in it was refused, or
    there is no process `main`.
    """
    if converted.refused:
        raise Invalid(N_("图中有本系统不能执行的内容，没有导入。请按提示在原工具中修改后再导入。"))
    if main and main not in converted.processes:
        raise Invalid(N_("文件中没有流程“%(name)s”。"), name=main[:80])
    main = main or extraction.first(etree.fromstring(converted.xml))[0]
    key = re.sub(r"[^a-z0-9_]+", "_", main.lower()).strip("_0123456789")[:51]
    key = key if len(key) >= 3 else "imported"
    source = ProcedureSource(
        main, "", "", "", Bundle(main=main, bpmn={f"{main}.bpmn": extraction.only(converted.xml, main)})
    )
    return renamed(source, key, converted.titles.get(main) or Path(converted.name).stem[:120])


def named_forms(source: ProcedureSource) -> set[str]:
    """Return the ids of the forms that the diagrams and the start name."""
    found = {key.decode() for content in source.bundle.bpmn.values() for key in _FORM_KEY.findall(content)}
    return found | ({source.start_form} if source.start_form else set())


def missing(source: ProcedureSource) -> list[tuple[str, str, bytes]]:
    """Return (kind, name, content) of shipped files that the diagrams name and the bundle lacks."""
    forms, tables = shipped_forms(), shipped_tables()
    found = [
        ("form", f"{key}.toml", forms[key])
        for key in sorted(named_forms(source))
        if f"{key}.toml" not in source.bundle.forms and key in forms
    ]
    tables_present = source.bundle.dmn.values()
    present = {key for content in tables_present for key in re.findall(rb'<decision[^>]* id="([^"]+)"', content)}
    wanted = {key for content in source.bundle.bpmn.values() for key in _TABLE.findall(content)}
    for key in sorted(wanted - present):
        if key.decode() in tables:
            found.append(("dmn", *tables[key.decode()]))
    return found


def let_go(source: ProcedureSource, before: set[str]) -> list[str]:
    """Return the files of shipped forms that the diagrams named `before` and name no more.

    Forms that no diagram ever named stay: the product's own acts use them.
    """
    gone, forms = before - named_forms(source), shipped_forms()
    return [
        name
        for name, content in source.bundle.forms.items()
        if Path(name).stem in gone and forms.get(Path(name).stem) == content
    ]
