"""Settings: one TOML file, environment variables over it, read once at each edge and passed as a value."""

from __future__ import annotations

import difflib
import math
import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from decision_flow.errors import N_, Invalid, Text
from decision_flow.kept_secrets import kept

PREFIX = "DECISION_FLOW_"
FILE = "decision-flow.toml"
DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")


def _setting(default: Any, about: str, *, secret: bool = False, basis: str = "") -> Any:
    return field(default=default, metadata={"about": about, "secret": secret, "basis": basis})


@dataclass(frozen=True)
class Settings:
    """All settings. Each field says what it is; numbers that no law fixes show their basis."""

    data_dir: str = _setting("data", "存放数据库、文件和密钥的目录")
    database_url: str = _setting("", "数据库地址；留空则用数据目录中的 SQLite", secret=True)
    secret_key: str = _setting("", "签名密钥；留空则在数据目录中生成并保存", secret=True)
    host: str = _setting("127.0.0.1", "监听地址")
    port: int = _setting(8000, "监听端口")
    threads: int = _setting(8, "处理请求的线程数")
    https: bool = _setting(False, "是否经由 HTTPS 访问；是则 Cookie 只经 HTTPS 发送")
    trusted_proxies: int = _setting(0, "前置反向代理的层数")
    demo: bool = _setting(False, "演示模式：装入演示数据，登录页列出演示账号")
    language: str = _setting("zh", "默认语言，zh 或 en")
    log_format: str = _setting("text", "日志格式，text 或 json")
    upload_limit_mb: int = _setting(100, "单个文件上限（MB）")
    unnamed_file_days: int = _setting(7, "多少天后清理没有登记的残留文件，0为不清理", basis="产品设定（P）")
    public_cache_seconds: float = _setting(5.0, "公众页面在进程内保留的秒数，0为不保留")
    comments_per_minute: int = _setting(6, "同一网络地址每分钟最多提交几条意见", basis="产品设定（P）")
    comments_per_day: int = _setting(100, "同一网络地址每天最多提交几条意见", basis="产品设定（P）")
    lookups_per_minute: int = _setting(30, "同一网络地址每分钟最多查询几次回执", basis="产品设定（P）")
    worker_seconds: float = _setting(2.0, "定时任务的检查间隔（秒）")
    base_url: str = _setting("", "对外访问地址，写入邮件和日历中的链接，如 https://juece.example.gov.cn")
    smtp_host: str = _setting("", "邮件服务器；留空则不发邮件")
    smtp_port: int = _setting(25, "邮件服务器端口")
    smtp_security: str = _setting("none", "邮件连接方式：none、starttls 或 tls")
    smtp_user: str = _setting("", "邮件账号；留空则不登录")
    smtp_password: str = _setting("", "邮件密码", secret=True)
    mail_from: str = _setting("decision-flow@localhost", "发件人地址")
    hook_allow: str = _setting("", "允许推送的内网主机或网段，以逗号分隔；留空则拒绝一切内网地址")
    tsa_url: str = _setting("", "时间戳服务（RFC 3161）地址；留空则不向外连接，可以手工导出请求、导入答复")
    session_idle_minutes: int = _setting(30, "无操作自动退出（分钟）", basis="SEC-05，数值为产品设定（P）")
    admin_idle_minutes: int = _setting(15, "管理员无操作自动退出（分钟）", basis="SEC-05，数值为产品设定（P）")
    session_absolute_minutes: int = _setting(600, "一次登录的最长时间（分钟）", basis="产品设定（P）")
    lockout_tries: int = _setting(5, "连续输错几次锁定账号", basis="SEC-05，数值为产品设定（P）")
    lockout_minutes: int = _setting(15, "锁定时间（分钟）", basis="SEC-05，数值为产品设定（P）")
    password_min_length: int = _setting(10, "密码最短位数", basis="SEC-04，数值为产品设定（P）")
    password_days: int = _setting(90, "密码最长使用天数，0为不限", basis="SEC-04，数值为产品设定（P）")

    @staticmethod
    def load(path: Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
        """Read the file (default `decision-flow.toml`, if there is one) and `DECISION_FLOW_…` variables over it.

        A variable ending in `_FILE` names a file that holds the value. Raises `Invalid` with one sentence
        per wrong value, and for unknown names.
        """
        env = os.environ if env is None else env
        given: dict[str, Any] = {}
        named = path or (Path(env[f"{PREFIX}CONFIG"]) if env.get(f"{PREFIX}CONFIG") else None)
        source = named or Path(FILE)
        # A file that somebody named must be there; the usual one need not.
        if named is not None or source.exists():
            try:
                given.update(tomllib.loads(_read(source)))
            except tomllib.TOMLDecodeError as error:
                raise Invalid(
                    N_("设置文件 %(path)s 不是正确的 TOML，请改正后重试：%(reason)s"), path=source, reason=error
                ) from error
        for name, value in env.items():
            if name.startswith(PREFIX) and name not in (f"{PREFIX}CONFIG", f"{PREFIX}TEST_POSTGRESQL"):
                key = name.removeprefix(PREFIX).lower()
                if key.endswith("_file"):
                    key, value = key.removesuffix("_file"), _read(Path(value)).strip()
                given[key] = value
        return Settings.of(given)

    @staticmethod
    def of(given: Mapping[str, Any]) -> Settings:
        """Return settings from names and values. Raises `Invalid` for unknown names and unusable values."""
        known = {entry.name: entry for entry in fields(Settings)}
        errors = {name: [_unknown(name, known)] for name in given if name not in known}
        values: dict[str, Any] = {}
        for name in known.keys() & given.keys():
            kind = type(known[name].default)
            try:
                values[name] = _converted(given[name], kind)
            except (ValueError, TypeError):
                errors[name] = [EXPECTED[kind]]
        errors = {**_unsafe(replace(Settings(), **values)), **errors}
        if errors:
            told = ";".join(f"{name}:{texts[0]}" for name, texts in errors.items())
            raise Invalid(N_("设置有误，系统没有启动：%(told)s"), errors=errors, told=told)
        return replace(Settings(), **values)

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data_dir)

    @property
    def database(self) -> str:
        """The address of the database."""
        return self.database_url or f"sqlite:///{self.folder.absolute() / 'decision-flow.db'}"

    def key(self) -> str:
        """Return the signing key, making and keeping one (readable to its owner only) if none is set."""
        return self.secret_key or kept(self.folder / "secret-key", lambda: secrets.token_hex(32))


EXPECTED = {
    bool: N_("应当是 true 或者 false。"),
    int: N_("应当是整数。"),
    float: N_("应当是数。"),
    str: N_("应当是文字，写在引号里。"),
}
# What a number must be at least; less would stop the product, or switch off what it is for.
LEAST = {
    "threads": 1, "trusted_proxies": 0, "upload_limit_mb": 1, "unnamed_file_days": 0, "public_cache_seconds": 0,
    "comments_per_minute": 1, "comments_per_day": 1, "lookups_per_minute": 1, "worker_seconds": 0.1,
    "session_idle_minutes": 1, "admin_idle_minutes": 1, "session_absolute_minutes": 1, "lockout_minutes": 1,
    "password_min_length": 8, "password_days": 0,
}  # fmt: skip
MOST = 10**6


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Invalid(
            N_("文件 %(path)s 读不出来（%(reason)s）。请检查路径和权限，文件应为 UTF-8 编码。"),
            path=path,
            reason=reason,
        ) from error


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return Text.of(N_("没有这个设置；是不是 %s？"), near[0]) if near else N_("没有这个设置，请核对名称。")


def _converted(value: Any, kind: Any) -> Any:
    if isinstance(value, str):
        if kind is bool:
            words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
            return words[value.lower()] if value.lower() in words else int("not a word")
        found = kind(value)
    elif type(value) is kind or (kind is float and type(value) is int):
        found = kind(value)
    else:
        raise TypeError
    if kind in (int, float) and not (math.isfinite(found) and abs(found) <= MOST):
        raise ValueError
    return found


def _unsafe(settings: Settings) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if settings.secret_key and len(settings.secret_key) < 32:
        errors["secret_key"] = [N_("密钥至少需要32个字符。")]
    for name, least in LEAST.items():
        if getattr(settings, name) < least:
            errors[name] = [Text.of(N_("不能小于%s。"), least)]
    if not settings.data_dir.strip() or "\x00" in settings.data_dir:
        errors["data_dir"] = [N_("请写明目录。")]
    if settings.database_url and not settings.database_url.startswith(DATABASES):
        errors["database_url"] = [N_("应以 sqlite:/// 或 postgresql:// 开头。")]
    if not 1 <= settings.lockout_tries <= 20:
        errors["lockout_tries"] = [N_("应在1到20之间。")]
    for name in ("tsa_url", "base_url"):
        if getattr(settings, name) and not getattr(settings, name).startswith(("http://", "https://")):
            errors[name] = [N_("应以 http:// 或 https:// 开头。")]
    if not settings.host.strip():
        errors["host"] = [N_("请写明监听地址。")]
    if settings.language not in ("zh", "en"):
        errors["language"] = [N_("只能是 zh 或 en。")]
    if settings.log_format not in ("text", "json"):
        errors["log_format"] = [N_("只能是 text 或 json。")]
    if settings.demo and settings.https:
        errors["demo"] = [N_("演示模式的账号是公开的，不能用于正式的 HTTPS 站点。")]
    if settings.smtp_security not in ("none", "starttls", "tls"):
        errors["smtp_security"] = [N_("只能是 none、starttls 或 tls。")]
    for name in ("port", "smtp_port"):
        if not 1 <= getattr(settings, name) <= 65535:
            errors[name] = [N_("端口应在1到65535之间。")]
    return errors
