"""The marshmallow fields behind a form: each turns what was typed into a JSON value, or says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import marshmallow as ma

from decision_flow.errors import N_, Text
from decision_flow.forms.definition import Field

MAX_TEXT, MAX_LONG, MAX_MONEY = 500, 20_000, Decimal(10) ** 13
UNKNOWN = N_("表单中没有这一项。")


class _Text(ma.fields.Field[str]):
    def __init__(self, field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ma.ValidationError(N_("请填写文字。"))
        text = value.strip()
        if "\x00" in text:
            raise ma.ValidationError(N_("含有不能保存的字符。"))
        longest = self.field.max_length or (MAX_LONG if self.field.type == "long" else MAX_TEXT)
        if len(text) > longest:
            raise ma.ValidationError(Text.of(N_("不能超过%s个字。"), longest))
        if text and self.field.min_length and len(text) < self.field.min_length:
            raise ma.ValidationError(Text.of(N_("至少需要%s个字。"), self.field.min_length))
        if text and self.field.pattern and not re.fullmatch(self.field.pattern, text):
            raise ma.ValidationError(N_("格式不正确。"))
        if text and self.field.type == "enum" and text not in self.field.values:
            raise ma.ValidationError(N_("请从列出的选项中选择。"))
        return text


class _Number(ma.fields.Field[Any]):
    def __init__(self, field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            if isinstance(value, bool):
                raise ValueError
            number = Decimal(str(value).replace(",", "").strip())
        except (InvalidOperation, ValueError):
            raise ma.ValidationError(N_("请填写数字。")) from None
        if not number.is_finite() or abs(number) > MAX_MONEY:
            raise ma.ValidationError(N_("数字超出范围。"))
        low = 0 if self.field.type == "money" and self.field.min is None else self.field.min
        if low is not None and number < Decimal(str(low)):
            raise ma.ValidationError(Text.of(N_("不能小于%s。"), low))
        if self.field.max is not None and number > Decimal(str(self.field.max)):
            raise ma.ValidationError(Text.of(N_("不能大于%s。"), self.field.max))
        if self.field.type == "money":
            return str(number.quantize(Decimal("0.01"), ROUND_HALF_UP))
        if self.field.type == "number":
            return float(number)
        if number != number.to_integral_value():
            raise ma.ValidationError(N_("请填写整数。"))
        return int(number)


class _Moment(ma.fields.Field[str]):
    def __init__(self, field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            text = str(value).strip()
            parsed: date = date.fromisoformat(text) if self.field.type == "date" else datetime.fromisoformat(text)
        except ValueError:
            raise ma.ValidationError(N_("日期不正确,请按年-月-日填写。")) from None
        if not 1949 <= parsed.year <= 2199:
            raise ma.ValidationError(N_("日期超出范围。"))
        if isinstance(parsed, datetime):
            return parsed.isoformat(timespec="minutes")
        return parsed.isoformat()


class _Bool(ma.fields.Field[bool]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        words = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
        if isinstance(value, bool):
            return value
        if str(value).lower() not in words:
            raise ma.ValidationError(N_("请选择是或否。"))
        return words[str(value).lower()]


class _Reference(ma.fields.Field[int]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,15}", str(value)):
            raise ma.ValidationError(N_("请从列出的选项中选择。"))
        return int(value)


class _Many(ma.fields.Field[list[Any]]):
    """Several of the same: choices, references, files or rows."""

    def __init__(self, inner: ma.fields.Field[Any], field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner, self.field = inner, field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            value = [value]
        if len(value) > self.field.max_rows:
            raise ma.ValidationError(Text.of(N_("不能超过%s项。"), self.field.max_rows))
        found: list[Any] = []
        errors: dict[Any, Any] = {}
        for number, entry in enumerate(value):
            try:
                found.append(self.inner.deserialize(entry))
            except ma.ValidationError as error:
                errors[number] = error.messages
        if errors:
            raise ma.ValidationError(errors)
        if self.field.type == "multi":
            return list(dict.fromkeys(found))
        return found


class _Choice(ma.fields.Field[str]):
    def __init__(self, field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in self.field.values:
            raise ma.ValidationError(N_("请从列出的选项中选择。"))
        return str(value)


class _Row(ma.fields.Field[dict[str, Any]]):
    def __init__(self, schema: type[ma.Schema], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schema_class = schema

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ma.ValidationError(N_("表格的一行写法不正确。"))
        given = {key: entry for key, entry in value.items() if entry not in (None, "", [])}
        return dict(self.schema_class().load(given))


class _File(ma.fields.Field[dict[str, Any]]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not isinstance(value.get("document_id"), int):
            raise ma.ValidationError(N_("请上传文件。"))
        return {key: value[key] for key in ("document_id", "name", "sha256", "size") if key in value}


class _Signature(ma.fields.Field[dict[str, Any]]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ma.ValidationError(N_("请重新验证本人身份。"))
        return dict(value)


def schema_of(fields: tuple[Field, ...]) -> type[ma.Schema]:
    """Return the schema of these fields; unknown ones are refused."""
    return ma.Schema.from_dict({field.name: _marshal(field) for field in fields}, name="FormSchema")


def _marshal(field: Field) -> ma.fields.Field[Any]:
    if field.type in ("text", "long", "enum"):
        return _Text(field)
    if field.type in ("int", "number", "money"):
        return _Number(field)
    if field.type in ("date", "datetime"):
        return _Moment(field)
    if field.type == "bool":
        return _Bool()
    if field.type == "ref":
        return _Reference()
    if field.type == "multi":
        return _Many(_Reference() if field.ref else _Choice(field), field)
    if field.type == "file":
        return _Many(_File(), field) if field.multiple else _File()
    if field.type == "table":
        return _Many(_Row(schema_of(field.columns)), field)
    return _Signature()


def flatten(messages: Any, prefix: str, errors: dict[str, list[str]]) -> None:
    """Turn marshmallow's nested messages into paths."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            flatten(inner, f"{prefix}.{key}" if prefix else str(key), errors)
    else:
        texts = [UNKNOWN if text == "Unknown field." else text for text in messages]
        errors.setdefault(prefix, []).extend(texts)
