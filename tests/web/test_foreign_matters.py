"""Whoever has nothing to do with a matter finds none of its addresses, by whatever method, and changes nothing in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule

from decision_flow.config import Settings
from decision_flow.demo.play import Play
from decision_flow.models import AuditEvent, Document, Matter, Notice, Task
from tests.stories.conftest import kept_files, road, told
from tests.web.conftest import Browser
from web import create_app

__all__ = ["kept_files", "road", "told"]

# A colleague of the next township, an expert of another matter, who keeps the policy, and who keeps the machine.
STRANGERS = ("taoran", "xiaoheng", "tengyun", "admin")
# What belongs to a matter, by the name that an address gives it.
PARTS = ("matter_id", "task_id", "document_id")


@pytest.fixture
def app(road: Play, settings: Settings) -> Flask:
    return create_app(replace(settings, demo=True), road.database)


def addresses(rule: Rule, known: dict[str, list[str]]) -> Iterator[str]:
    parts = re.split(r"<(?:\w+:)?(\w+)>", str(rule))
    for chosen in itertools.product(*(known.get(name, ["1"]) for name in parts[1::2])):
        yield "".join(itertools.chain.from_iterable(itertools.zip_longest(parts[::2], chosen, fillvalue="")))


def test_a_stranger_finds_nothing_of_a_matter(app: Flask, road: Play) -> None:
    with road.database.transaction(read_only=True) as session:
        title = session.get_one(Matter, road.matter_id).title
        ids = {
            "task_id": session.scalars(select(Task.id).where(Task.matter_id == road.matter_id).order_by(Task.id)).all(),
            "document_id": session.scalars(select(Document.id).where(Document.matter_id == road.matter_id)).all(),
            "notice_id": session.scalars(select(Notice.id).where(Notice.matter_id == road.matter_id)).all(),
        }
        before = session.scalar(
            select(func.count()).where(AuditEvent.result == "ok", AuditEvent.matter_id.is_not(None))
        )
    known = {name: [str(one) for one in (found[0], found[-1])] for name, found in ids.items()}
    known |= {
        "matter_id": [str(road.matter_id)], "tab": ["papers", "trail"], "process": ["major_decision"], "key": ["pause"],
    }  # fmt: skip
    rules = [one for one in app.url_map.iter_rules() if one.arguments & set(PARTS) and one.endpoint != "public.file"]
    assert len(rules) > 45
    for who in STRANGERS:
        browser = Browser(app)
        browser.sign_in(who)
        browser.get("/account")
        for rule in rules:
            for path, method in itertools.product(addresses(rule, known), sorted({"GET", "POST"} & rule.methods)):
                answer = browser.get(path) if method == "GET" else browser.post(path)
                assert answer.status_code in (403, 404), (who, method, path, answer.status_code)
                assert title not in answer.get_data(as_text=True), (who, method, path)
    with road.database.transaction(read_only=True) as session:
        query = select(func.count()).where(AuditEvent.result == "ok", AuditEvent.matter_id.is_not(None))
        assert session.scalar(query) == before
