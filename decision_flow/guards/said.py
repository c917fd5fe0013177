"""How a refusal is made: rule, article, what is missing, what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from decision_flow.errors import N_, Refusal

Found = Iterator[Refusal]
# In place of a form: the register of exceptions, where another person approves.
REGISTER = "exceptions"


def missing(rule: str, article: int | str, message: str, todo: str = "", form: str = "", **values: object) -> Refusal:
    """Return a refusal; `article` is the number of an article of Decree 713, or the words for another source."""
    told = f"条例第{_NUMERALS[article]}条" if isinstance(article, int) else article
    return Refusal(rule, told, message, todo, form, values)


def unapproved(rule: str, article: int | str, message: str) -> Refusal:
    """Return the refusal of a reason that is stated but that nobody else has approved."""
    return missing(rule, article, message, N_("由分管领导或者行政首长在“豁免和例外”中批准。"), REGISTER)


def collect(*found: Iterable[Refusal]) -> list[Refusal]:
    """Return all refusals, each rule once: the first reason told is enough for each."""
    seen: dict[str, Refusal] = {}
    for refusals in found:
        for refusal in refusals:
            seen.setdefault(refusal.rule, refusal)
    return list(seen.values())


_DIGITS = ("", "一", "二", "三", "四", "五", "六", "七", "八", "九")


def _numeral(number: int) -> str:
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十") + _DIGITS[ones]


_NUMERALS = {number: _numeral(number) for number in range(1, 45)}
