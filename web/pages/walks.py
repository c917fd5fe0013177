"""The walk-through: a draft played by the real engine. The play travels signed with the page; nothing of it is stored
but which ends were seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from decision_flow import clock
from decision_flow.engine import Compiled, Context
from decision_flow.errors import N_, Conflict, DecisionFlowError, Invalid, NotPermitted
from decision_flow.forms import Form
from decision_flow.identity import Permission
from decision_flow.modelling import checking, drafts, walking
from decision_flow.modelling.walking import Play, Standing
from decision_flow.models import ProcedureDraft
from decision_flow.procedures import ProcedureSource
from decision_flow.projection import CalendarFunctions
from web import editor_facts, forms
from web.auth import requires
from web.errors import told
from web.language import gettext
from web.presentation import role_name
from web.request import actor, settings, transaction
from web.security import allow_diagram_styles

page = Blueprint("walks", __name__, url_prefix="/procedures/drafts")
CHANGED = N_("草案在试走期间有改动，已从头开始。")


@page.get("/<int:draft_id>/walk")
@requires(Permission.PROCEDURE_READ)
def show(draft_id: int) -> str:
    """Show the beginning of a walk-through: the start form, or the first tasks."""
    return _Walk(draft_id).page()


@page.post("/<int:draft_id>/walk")
@requires(Permission.PROCEDURE_READ)
def step(draft_id: int) -> str:
    """Take one step: begin, complete a task with pretended answers, or let time pass."""
    # A walk is recorded with the draft: whoever only reads procedures takes none.
    if not actor().permissions & {Permission.PROCEDURE_MODEL, Permission.PROCEDURE_PUBLISH}:
        raise NotPermitted(N_("只有程序建模员和程序发布人可以试走。"))
    return _Walk(draft_id).act()


class _Walk:
    """One request of a walk-through."""

    def __init__(self, draft_id: int) -> None:
        self.draft_id = draft_id
        with transaction(read_only=True) as session:
            self.draft = drafts.get(session, actor(), draft_id)
            self.source = drafts.source_of(session, self.draft)
        self.report = checking.check(self.source, self.draft.policy)
        self.play: Play | None = None
        self.problem = ""

    def act(self) -> str:
        """Carry out what the pressed button says and draw where the play stands then."""
        compiled = self.report.compiled
        if compiled is None:
            return self.page()
        if "_restart" in request.form:
            return self.page()
        sent = request.form.get("_play", "")
        if sent:
            self.play = self._read(sent, compiled)
            if self.play is None:
                self.problem = gettext(CHANGED)
                return self.page()
        values: dict[str, Any] | None = None
        errors: dict[str, list[str]] = {}
        try:
            with transaction(read_only=True) as session:
                values = self._move(session, compiled)
        except Invalid as error:
            values = self._typed()
            errors = error.errors or {"": [told(error)]}
        except DecisionFlowError as error:
            values, self.problem = self._typed(), told(error)
        self._note()
        return self.page(values, errors)

    def page(self, values: dict[str, Any] | None = None, errors: Mapping[str, list[str]] | None = None) -> str:
        """Draw the page; `values` are answers that were refused, typed again for whoever gave them."""
        allow_diagram_styles()
        compiled, play = self.report.compiled, self.play
        waiting: tuple[Standing, ...] = ()
        chosen: Standing | None = None
        if compiled is not None and play is not None and not play.finished:
            with transaction(read_only=True) as session:
                waiting = walking.standing(compiled, play, CalendarFunctions(session))
            wanted = request.form.get("_pick") or request.form.get("_token", "")
            chosen = next((one for one in waiting if one.task.token == wanted), waiting[0] if waiting else None)
        form = self._form_of(chosen)
        ends = walking.ends_of(compiled) if compiled is not None else ()
        seen = self._seen()
        return render_template(
            "procedures/walk.html",
            draft=self.draft,
            report=self.report,
            findings=[] if self.report.runs else editor_facts.report(self.report, self.source)["findings"],
            play=play,
            signed=self._sign(play) if play is not None else "",
            waiting=waiting,
            standing={one.task.element.id: role_name(one.role) for one in waiting},
            chosen=chosen,
            form=form,
            values=values if values is not None else walking.pretended(form, clock.now()) if form else {},
            errors=dict(errors or {}),
            problem=self.problem,
            ends=ends,
            seen=seen,
            choices=_pretended_choices(form),
            context=dict(chosen.task.data) if chosen else {},
            elements=compiled.elements if compiled is not None else {},
            diagram=self._diagram(chosen),
            render_form=forms.render,
        )

    def _move(self, session: Session, compiled: Compiled) -> dict[str, Any] | None:
        """Carry out the step; return the answers again when a row was only added or removed."""
        functions = CalendarFunctions(session)
        if self.play is None:
            start_form = self.report.forms.get(self.source.start_form)
            answers = self._answers(start_form, {})
            if forms.changes_rows(request.form):
                return self._typed()
            context = Context(clock.now(), functions)
            self.play = walking.begin(compiled, self.draft.key, start_form, answers, context)
        elif "_wait" in request.form:
            self.play = walking.wait(compiled, self.play, functions)
        elif "_pick" not in request.form:
            token = request.form.get("_token", "")
            standing = walking.standing(compiled, self.play, functions)
            task = next((one for one in standing if one.task.token == token), None)
            if task is None:
                raise Conflict(N_("该任务已经办结或撤回，请刷新后查看。"))
            form = self._form_of(task)
            if forms.changes_rows(request.form):
                return self._typed()
            answers = self._answers(form, task.task.data)
            self.play = walking.answer(compiled, self.play, token, form, answers, Context(self.play.at, functions))
        return None

    def _answers(self, form: Form | None, context: Mapping[str, Any]) -> dict[str, Any]:
        if form is None:
            return {}
        values, _ = forms.read_submission(form, request.form, request.files)
        return form.validate(values, context=context, auto=_pretended_auto(), draft=True)

    def _typed(self) -> dict[str, Any]:
        compiled = self.report.compiled
        chosen = None
        if self.play is not None and compiled is not None:
            token = request.form.get("_token", "")
            chosen = next((one for one in walking.standing(compiled, self.play, {}) if one.task.token == token), None)
        form = self._form_of(chosen)
        return forms.read_submission(form, request.form, request.files)[0] if form is not None else {}

    def _form_of(self, standing: Standing | None) -> Form | None:
        if self.play is None:
            return self.report.forms.get(self.source.start_form)
        return self.report.forms.get(standing.task.element.form or "") if standing is not None else None

    def _note(self) -> None:
        if self.play is None or not self.play.ends:
            return
        with transaction() as session:
            digest = self.source.bundle.digest
            drafts.note_walk(session, actor(), self.draft_id, digest, list(self.play.ends))
        with transaction(read_only=True) as session:
            self.draft = drafts.get(session, actor(), self.draft_id)

    def _seen(self) -> set[str]:
        return _seen(self.draft, self.source)

    def _diagram(self, chosen: Standing | None) -> str:
        process = chosen.task.element.process if chosen is not None else self.source.bundle.main
        needle = f'id="{process}"'.encode()
        names = [name for name, body in self.source.bundle.bpmn.items() if b"process " + needle in body]
        return names[0] if names else next(iter(self.source.bundle.bpmn), "")

    def _sign(self, play: Play) -> str:
        told_of = {"draft": self.draft_id, "digest": self.source.bundle.digest, "play": play.to_json()}
        return str(_signer().dumps(told_of))

    def _read(self, sent: str, compiled: Compiled) -> Play | None:
        try:
            told_of = _signer().loads(sent)
        except BadData as error:
            raise BadRequest from error
        if told_of["draft"] != self.draft_id or told_of["digest"] != self.source.bundle.digest:
            return None
        return Play.of_json(told_of["play"], compiled)


def _seen(draft: ProcedureDraft, source: ProcedureSource) -> set[str]:
    return set(draft.walked.get("ends", ())) if draft.walked.get("digest") == source.bundle.digest else set()


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().key(), salt="walk-through")


def _pretended_auto() -> dict[str, Any]:
    now = clock.now()
    return {
        "draft_version": 1, "current_draft_version": 1, "matter_number": "ZD-0000-0000", "matter_title": "",
        "actor": "", "actor_id": 1, "today": clock.today().isoformat(), "received_at": now.isoformat(),
    }  # fmt: skip


def _pretended_choices(form: Form | None) -> dict[str, list[tuple[int, str]]]:
    """Return invented units and people for whatever the form may refer to."""
    names = [gettext("示例一"), gettext("示例二"), gettext("示例三")]
    targets = {
        one.ref for field in (form.fields if form is not None else ()) for one in (field, *field.columns) if one.ref
    }  # fmt: skip
    return {target: list(enumerate(names, 1)) for target in targets}
