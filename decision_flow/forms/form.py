"""A form: what its file says, and everything that is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import marshmallow as ma

from decision_flow.errors import N_, Invalid, Text
from decision_flow.forms import reading, values
from decision_flow.forms.checking import Checking
from decision_flow.forms.definition import Check, Field


@dataclass(frozen=True)
class Form:
    """A form: its fields in order and the checks over them. It is frozen into a procedure's version."""

    id: str
    title: str
    title_en: str
    basis: str
    fields: tuple[Field, ...]
    checks: tuple[Check, ...] = ()

    @property
    def key(self) -> str:
        """The name of this form's answers in process data: `F06` for F-06."""
        return self.id.replace("-", "")

    @staticmethod
    def parse(content: bytes, name: str = "") -> Form:
        """Return the form of a TOML file. Raises `Invalid` naming the file, the field and what is wrong there."""
        read = reading.read(content, name)
        return Form(read.id, read.title, read.title_en, read.basis, read.fields, read.checks)

    @cached_property
    def schema(self) -> ma.Schema:
        """The marshmallow schema of the fields, each for itself."""
        return values.schema_of(self.fields)

    def validate(
        self,
        submission: Mapping[str, Any],
        *,
        context: Mapping[str, Any] | None = None,
        auto: Mapping[str, Any] | None = None,
        signed: Mapping[str, Any] | None = None,
        draft: bool = False,
    ) -> dict[str, Any]:
        """Return the answers, typed and JSON-safe; fields that do not apply are left out.

        `context` is the process data, `auto` the values that fields the product fills in may name, `signed`
        the signatures that the server made, by field: neither is taken from `submission`. A draft may be
        incomplete, not malformed. Raises `Invalid` with every error by path (`options.0.content`), each a
        `Text`. Validating what was returned returns it again.
        """
        checking = self._checking(context, auto, signed, draft)
        if not isinstance(submission, Mapping):
            raise Invalid(_WRONG, errors={"": [Text.of(N_("提交的内容不是一张表单。"))]})
        checking.run(submission)
        if checking.errors:
            raise Invalid(_WRONG, errors=checking.errors, rules=checking.rules)
        return checking.answers

    def computed(
        self,
        submission: Mapping[str, Any],
        *,
        context: Mapping[str, Any] | None = None,
        auto: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return what the product fills in as far as `submission` lets it, by path (`points.0.level`).

        For showing a form that is being filled in; nothing is refused.
        """
        checking = self._checking(context, auto, None, draft=True)
        checking.run(submission)
        found: dict[str, Any] = {}
        for field in self.fields:
            value = checking.answers.get(field.name)
            if field.auto:
                found[field.name] = value
            for number, row in enumerate(value if field.type == "table" and isinstance(value, list) else ()):
                found |= {f"{field.name}.{number}.{c.name}": row.get(c.name) for c in field.columns if c.auto}
        return found

    def process_data(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the procedure decides by: the answers without long texts, files and signatures."""
        return _short(self.fields, answers)

    def assignments(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of the matter that these answers settle."""
        return {
            field.assigns: answers[field.name]
            for field in self.fields
            if field.assigns and answers.get(field.name) not in values.EMPTY
        }

    def files(self, answers: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """Return (field, file) for every file that `answers` name."""
        found: list[tuple[str, dict[str, Any]]] = []
        for field in self.fields:
            value = answers.get(field.name) if field.type == "file" else None
            found += [(field.name, entry) for entry in (value if isinstance(value, list) else [value]) if entry]
        return found

    def _checking(
        self,
        context: Mapping[str, Any] | None,
        auto: Mapping[str, Any] | None,
        signed: Mapping[str, Any] | None,
        draft: bool,
    ) -> Checking:
        return Checking(
            self.fields, self.checks, self.schema,
            context={} if context is None else context, auto=auto or {}, signed=signed or {}, draft=draft,
        )  # fmt: skip


_WRONG = N_("填写的内容有误，请按提示修改后再提交。")


def _short(fields: tuple[Field, ...], answers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields:
        value = answers.get(field.name)
        if field.type in ("long", "file", "sign"):
            continue
        if field.type == "table":
            value = [_short(field.columns, row) for row in value or ()]
        found[field.name] = value
    return found
