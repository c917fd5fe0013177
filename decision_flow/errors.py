"""The errors of the domain. No HTTP here: `web/errors.py` holds the one table from class to status.

DecisionFlowError
├── NotAuthenticated                 nobody is signed in, or the session has ended
├── NotPermitted                     signed in, but this is not theirs to do
├── NotFound                         no such thing, or not visible to this person
├── Conflict                         already done, stale, name taken
│   └── Refused                      a legal guard says not now: rule id, article, what to do next
│       └── Barred                   the separation of duties says: not this person
├── Invalid                          what was entered is wrong: errors by field
│   └── NotConforming                a procedure cannot be used: findings by element
└── ProcedureFault                   the procedure itself failed while running

A message is a sentence in Chinese that says what happened and what to do. It is also the key of its
translation, so values are never formatted into it: they stand beside it as `%(name)s` values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


def N_(message: str) -> str:  # noqa: N802 - the customary marker of a text that is translated later
    """Return `message` unchanged; marks it for the catalogue of translations."""
    return message


class Text(str):
    """A filled sentence that still knows its msgid, so that it can be said in another language.

    `english` is for texts that a form file brings itself.
    """

    template: str
    value: object
    english: str

    @staticmethod
    def of(template: str, value: object = None, english: str = "") -> Text:
        """Return `template` with its one `%s` filled by `value`, or its named places by a mapping, if there are any."""
        text = Text(template % value if value is not None else template)
        text.template, text.value, text.english = template, value, english
        return text


class DecisionFlowError(Exception):
    """Base of all errors that a user may be told of; `str()` is the filled Chinese sentence."""

    code = "error"

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.values = values

    def __str__(self) -> str:
        return self.message % self.values if self.values else self.message


class NotAuthenticated(DecisionFlowError):
    """Nobody is signed in, or the session has ended."""

    code = "not_authenticated"


class NotPermitted(DecisionFlowError):
    """The person is known, but this is not theirs to do."""

    code = "not_permitted"


class NotFound(DecisionFlowError):
    """There is no such thing, or it is not visible to this person."""

    code = "not_found"


class Conflict(DecisionFlowError):
    """The state of things forbids it: already completed, stale, name taken."""

    code = "conflict"


@dataclass(frozen=True)
class Refusal:
    """One thing that the law misses: rule and article, what is missing, what to do next, and by which form.

    `message` and `todo` are msgids that `values` fill in; `form` is the form that would supply what is missing.
    """

    rule: str
    article: str
    message: str
    todo: str = ""
    form: str = ""
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.values if self.values else self.message


class Refused(Conflict):
    """A legal guard says: not now. Carries rule and article of the first thing that is missing, and all of them."""

    code = "refused"
    # Set once an event of the trail tells of it.
    recorded = False

    def __init__(
        self, message: str, *, rule: str, article: str, refusals: Sequence[Refusal] = (), **values: object
    ) -> None:
        super().__init__(message, **values)
        self.rule = rule
        self.article = article
        self.refusals = tuple(refusals) or (Refusal(rule, article, message, values=values),)

    @classmethod
    def of(cls, refusals: Sequence[Refusal]) -> Refused:
        """Return one error that tells all of `refusals`, of which there must be one."""
        first = refusals[0]
        return cls(first.message, rule=first.rule, article=first.article, refusals=refusals, **first.values)

    @property
    def rules(self) -> list[str]:
        """The ids of all rules that refuse, each once."""
        return list(dict.fromkeys(refusal.rule for refusal in self.refusals))


class Barred(Refused):
    """The separation of duties says: not this person in this matter (SOD-01 to SOD-14)."""

    code = "barred"


class Invalid(DecisionFlowError):
    """What was entered is wrong. `errors` maps a field path (`options.0.content`) to its messages.

    `rules` are the ids of the legal rules among them: with one, it is a refusal by the law as much as by the form.
    """

    code = "invalid"
    # Set once an event of the trail tells of it.
    recorded = False

    def __init__(
        self,
        message: str,
        *,
        errors: Mapping[str, Sequence[str]] | None = None,
        rules: Sequence[str] = (),
        **values: object,
    ) -> None:
        super().__init__(message, **values)
        self.rules = list(rules)
        self.errors: dict[str, list[str]] = {path: list(texts) for path, texts in (errors or {}).items()}


class NotConforming(Invalid):
    """A procedure cannot be used. `findings` name rule, element and reason."""

    code = "not_conforming"

    def __init__(self, message: str, *, findings: Sequence[Any] = (), **values: object) -> None:
        super().__init__(message, errors=None, rules=(), **values)
        self.findings = tuple(findings)


class ProcedureFault(DecisionFlowError):
    """The procedure failed while running; names the element and, where there is one, the expression."""

    code = "procedure_fault"

    def __init__(
        self, message: str, *, element: str | None = None, expression: str | None = None, **values: object
    ) -> None:
        # The sentence may name the element; one that does not has no value to fill in.
        told = {"element": element, "expression": expression}
        values |= {name: value or "" for name, value in told.items() if f"%({name})s" in message}
        super().__init__(message, **values)
        self.element = element
        self.expression = expression
