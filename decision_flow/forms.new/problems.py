"""What is wrong with an answer, as a text that can still be told in another language."""

from __future__ import annotations

from collections.abc import Callable


class Problem(str):
    """A message beside a field: as a string the filled Chinese sentence, with the rule it rests on.

    `message` is the key of its translation and `values` fill it; a check of a form file brings its own
    `english` instead.
    """

    message: str
    english: str
    values: dict[str, object]
    basis: str

    def __new__(
        cls, message: str, *, english: str = "", rule: str = "", article: str = "", **values: object
    ) -> Problem:
        basis = ",".join(part for part in (rule, article) if part)
        made = super().__new__(cls, _filled(message, values, basis))
        made.message, made.english, made.values, made.basis = message, english, values, basis
        return made

    def told(self, translate: Callable[[str], str], *, english: bool = False) -> str:
        """Return the sentence, through `translate` unless it brings its own English and that is wanted."""
        text = self.english if english and self.english else translate(self.message)
        return _filled(text, self.values, self.basis)


def _filled(text: str, values: dict[str, object], basis: str) -> str:
    sentence = text % values if values else text
    return f"{sentence}({basis})" if basis else sentence
