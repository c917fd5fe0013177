"""Personal data in public views: found, and covered (Personal Information Protection Law, Arts. 6, 28, 34).

Pure. Mobile numbers, identity numbers, bank accounts and e-mail addresses are recognised by their shape; an
office's landline is not personal and stays.
"""

from __future__ import annotations

import re

from decision_flow.errors import N_, Refused

_IDENTITY = re.compile(r"(?<!\d)\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dXx])")
_ACCOUNT = re.compile(r"(?<!\d)(?:62|60|4\d|5[1-5])\d{2}(?:[ -]?\d{4}){2,3}[ -]?\d{1,4}(?!\d)")
# A digest, such as that of a draw's seed, points to nobody, whatever figures stand in it.
_DIGEST = re.compile(r"((?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z]))")
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_EMAIL = re.compile(r"(?<![\w.])([\w.+-])[\w.+-]*@([\w-]+(?:\.[\w-]+)+)", re.ASCII)


def text(value: str) -> str:
    """Return `value` with every number and address that points to a person covered by stars."""
    return "".join(part if number % 2 else _covered(part) for number, part in enumerate(_DIGEST.split(value)))


def _covered(value: str) -> str:
    value = _IDENTITY.sub(lambda found: found[0][:6] + "*" * 8 + found[0][-4:-3] + "***", value)
    value = _ACCOUNT.sub(lambda found: found[0][:4] + " **** **** ****", value)
    value = _MOBILE.sub(lambda found: found[0][:3] + "****" + found[0][-4:], value)
    return _EMAIL.sub(r"\1***@\2", value)


def name(value: str) -> str:
    """Return a person's name as 王**; the name of an organisation (more than four characters) stays."""
    value = value.strip()
    if not value or len(value) > 4:
        return text(value)
    return value[0] + "*" * (len(value) - 1)


def contact(value: str) -> str:
    """Return a telephone number or address of which only the ends can be read."""
    value = value.strip()
    if "@" in value:
        return _EMAIL.sub(r"\1***@\2", value)
    if len(value) < 5:
        return "*" * len(value)
    kept = 3 if len(value) >= 8 else 1
    return value[:kept] + "*" * (len(value) - 2 * kept) + value[-kept:]


def must_not_be_public(value: str) -> bool:
    """Whether `value` holds an identity number or a bank account, which no public page may show (R-32a)."""
    value = _DIGEST.sub("", value)
    return bool(_IDENTITY.search(value) or _ACCOUNT.search(value))


def refuse_personal(words: str) -> None:
    """Raise `Refused` when a text for the public holds what `must_not_be_public`."""
    if must_not_be_public(words):
        raise Refused(
            N_("不能公布：正文含有身份证号或者银行账号。请先隐去，再由保密审查员审查。"),
            rule="R-32a",
            article="个人信息保护法第六条",
        )
