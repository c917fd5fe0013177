"""One value of each field type: what is accepted and how it is kept (marshmallow fields).

Kept values are JSON: dates as ISO text, datetimes as ISO text in Chinese time with its offset, money as text
with two decimals, references as numbers. Each field is idempotent: what it returns it accepts unchanged.
"""

from __future__ import annotations

import re
import unicodedata
from abc import abstractmethod
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import marshmallow as ma

from decision_flow import typed_in
from decision_flow.clock import BUSINESS_ZONE
from decision_flow.errors import N_, Text
from decision_flow.forms.definition import MAX_MONEY, TEXTUAL, Field

EMPTY: tuple[Any, ...] = (None, "", [])
CHOOSE = N_("请从列出的选项中选择。")
YEARS = range(1949, 2200)
# Control characters and lone surrogates cannot be stored everywhere; line ends and tabs can.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "是": True, "否": False, "1": True, "0": False}


def wrong(message: str, value: object = None) -> ma.ValidationError:
    """Return the error of one value; `message` is a Chinese sentence, its `%s` filled with `value`."""
    return ma.ValidationError(Text.of(message, value))


def clean(given: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return what was really given: a field left empty counts as not given."""
    return {key: value for key, value in given.items() if value not in EMPTY}


class _Value(ma.fields.Field[Any]):
    """A value of `field`."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self.read(value)

    @abstractmethod
    def read(self, value: Any) -> Any:
        """Return `value` as it is kept. Raises marshmallow's `ValidationError`."""


class _Text(_Value):
    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise wrong(N_("请填写文字。"))
        text = typed_in.words(value.replace("\r\n", "\n").replace("\r", "\n"))
        if _UNFIT.search(text):
            raise wrong(N_("含有不能保存的字符。"))
        if len(text) > self.field.longest:
            raise wrong(N_("不能超过%s个字。"), self.field.longest)
        if text and typed_in.length(text) < (self.field.min_length or 0):
            raise wrong(N_("至少需要%s个字。"), self.field.min_length)
        if text and self.field.pattern and not re.fullmatch(self.field.pattern, text):
            raise wrong(N_("格式不正确。"))
        return text


class _Number(_Value):
    def read(self, value: Any) -> int | float | str:
        number = self._decimal(value)
        if abs(number) > MAX_MONEY:
            raise wrong(N_("数字超出范围。"))
        low = 0 if self.field.type == "money" and self.field.min is None else self.field.min
        if low is not None and number < Decimal(str(low)):
            raise wrong(N_("不能小于%s。"), low)
        if self.field.max is not None and number > Decimal(str(self.field.max)):
            raise wrong(N_("不能大于%s。"), self.field.max)
        if self.field.type == "money":
            exact = number.quantize(Decimal("0.01"))
            if exact != number:
                raise wrong(N_("金额最多两位小数。"))
            return str(exact + 0)  # + 0: no "-0.00"
        if self.field.type == "number":
            return float(number) + 0.0
        if number != number.to_integral_value():
            raise wrong(N_("请填写整数。"))
        return int(number)

    @staticmethod
    def _decimal(value: Any) -> Decimal:
        try:
            if isinstance(value, str):
                # Digits from a Chinese input method are wide; amounts are written with commas.
                text = unicodedata.normalize("NFKC", value[:100]).replace(",", "").strip()
                if not re.fullmatch(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?", text):
                    raise ValueError
                return Decimal(text)
            if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
                raise ValueError
            number = Decimal(value) if isinstance(value, int) else Decimal(str(value))
            if not number.is_finite():
                raise ValueError
        except (InvalidOperation, ValueError):
            raise wrong(N_("请填写数字。")) from None
        return number


class _Moment(_Value):
    def read(self, value: Any) -> str:
        text = value.isoformat() if isinstance(value, date) else value
        if not isinstance(text, str):
            raise self._misread()
        return self._date(text.strip()) if self.field.type == "date" else self._datetime(text.strip())

    def _date(self, text: str) -> str:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise self._misread()
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise self._misread() from None
        self._must_be_near(day)
        return day.isoformat()

    def _datetime(self, text: str) -> str:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self._misread() from None
        self._must_be_near(moment)
        # A time without an offset was typed by someone in China.
        local = moment.replace(tzinfo=BUSINESS_ZONE) if moment.tzinfo is None else moment.astimezone(BUSINESS_ZONE)
        self._must_be_near(local)
        return local.isoformat(timespec="minutes")

    def _misread(self) -> ma.ValidationError:
        if self.field.type == "date":
            return wrong(N_("日期不正确，请按年-月-日填写。"))
        return wrong(N_("时间不正确，请按年-月-日 时：分填写。"))

    @staticmethod
    def _must_be_near(moment: date) -> None:
        if moment.year not in YEARS:
            raise wrong(N_("日期超出范围。"))


class _Bool(_Value):
    def read(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        word = str(value).lower() if isinstance(value, str | int) else ""
        if word not in _WORDS:
            raise wrong(N_("请选择是或否。"))
        return _WORDS[word]


class _Choice(_Value):
    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.field.values:
            raise wrong(CHOOSE)
        return value


class _Reference(_Value):
    def read(self, value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**15:
            raise wrong(CHOOSE)
        return value


class _File(_Value):
    def read(self, value: Any) -> dict[str, Any]:
        shape: dict[str, type] = {"document_id": int, "name": str, "sha256": str, "size": int}
        if not isinstance(value, Mapping) or "document_id" not in value or set(value) - set(shape):
            raise wrong(N_("请上传文件。"))
        for key, entry in value.items():
            if isinstance(entry, bool) or not isinstance(entry, shape[key]):
                raise wrong(N_("请上传文件。"))
        texts = (value.get("name", ""), value.get("sha256", ""))
        if not 0 < value["document_id"] < 10**15 or any(len(text) > 255 or _UNFIT.search(text) for text in texts):
            raise wrong(N_("请上传文件。"))
        return dict(value)


class _Signature(_Value):
    """A signature that the server made after re-authentication, or from a scan it holds."""

    def read(self, value: Any) -> dict[str, Any]:
        if (
            not isinstance(value, Mapping)
            or value.get("kind") not in ("attestation", "scan")
            or not isinstance(value.get("user_id"), int)
            or not all(isinstance(value.get(key), str) for key in ("display", "at"))
            or (value["kind"] == "scan" and not isinstance(value.get("document_id"), int))
        ):
            raise wrong(N_("请重新验证本人身份。"))
        return {key: value[key] for key in ("kind", "user_id", "display", "at", "document_id") if key in value}


class _Many(_Value):
    """Several of the same: choices, references, files or rows."""

    def __init__(self, inner: ma.fields.Field[Any], field: Field) -> None:
        super().__init__(field)
        self.inner = inner

    def read(self, value: Any) -> list[Any]:
        entries = value if isinstance(value, list | tuple) else [value]
        if len(entries) > self.field.max_rows:
            raise wrong(N_("不能超过%s项。"), self.field.max_rows)
        found: list[Any] = []
        errors: dict[Any, Any] = {}
        for number, entry in enumerate(entries):
            try:
                found.append(self.inner.deserialize(entry))
            except ma.ValidationError as error:
                errors[number] = error.messages
                if self.field.type == "table":  # keep the numbers of the other rows right
                    found.append(error.valid_data if isinstance(error.valid_data, dict) else {})
        if self.field.type == "multi":
            found = list(dict.fromkeys(found))
        if errors:
            raise ma.ValidationError(errors, valid_data=found)
        return found


class _Row(_Value):
    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.rows = schema_of(field.columns)
        self.computed = {column.name for column in field.columns if column.auto}

    def read(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise wrong(N_("表格的一行写法不正确。"))
        given = {key: cell for key, cell in clean(value).items() if key not in self.computed}
        return clean(self.rows.load(given))


def schema_of(fields: tuple[Field, ...]) -> ma.Schema:
    """Return the marshmallow schema of a form's fields, or of a table's columns; one it does not know it refuses."""
    made = ma.Schema.from_dict({field.name: value_of(field) for field in fields}, name="FormSchema")
    return made(unknown=ma.RAISE)


def value_of(field: Field) -> ma.fields.Field[Any]:
    """Return the marshmallow field that reads values of `field`."""
    if field.type in TEXTUAL:
        return _Text(field)
    if field.type == "multi":
        return _Many(_Reference(field) if field.ref else _Choice(field), field)
    if field.type == "table":
        return _Many(_Row(field), field)
    if field.type == "file" and field.multiple:
        return _Many(_File(field), field)
    return _SINGLE[field.type](field)


_SINGLE: dict[str, type[_Value]] = {
    "int": _Number, "number": _Number, "money": _Number, "date": _Moment, "datetime": _Moment, "bool": _Bool,
    "enum": _Choice, "ref": _Reference, "file": _File, "sign": _Signature,
}  # fmt: skip
