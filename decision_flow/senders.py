"""How a notice leaves the house: by mail, to a webhook, to a robot in a DingTalk, WeCom or Feishu group.

Nothing here knows the database. A hook's address is resolved once and the connection goes to what was
resolved; private, loopback and link-local addresses are refused unless allow-listed, redirects are not
followed, time and size are bounded. A sender returns, or raises whatever went wrong.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import smtplib
import socket
import time
from datetime import date, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote_plus, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from decision_flow import clock
from decision_flow.config import Settings
from decision_flow.deliveries import Parcel, Sender

TIMEOUT = (5, 10)
LONGEST, LARGEST = 15.0, 64 * 1024
ROBOT_HOSTS = {
    "dingtalk": ("oapi.dingtalk.com",),
    "wecom": ("qyapi.weixin.qq.com",),
    "feishu": ("open.feishu.cn", "open.larksuite.com"),
}


class Unsendable(Exception):
    """It cannot go there, or was not taken: the reason in words."""


def mail(parcel: Parcel, settings: Settings) -> None:
    """Send a mail with a calendar entry where there is a due date. The Message-ID is the same at every attempt."""
    if not parcel.address:
        raise Unsendable("没有邮箱地址")
    letter = message_of(parcel, settings)
    secure = smtplib.SMTP_SSL if settings.smtp_security == "tls" else smtplib.SMTP
    with secure(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT[1]) as server:
        if settings.smtp_security == "starttls":
            server.starttls()
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
        server.send_message(letter)


def message_of(parcel: Parcel, settings: Settings) -> EmailMessage:
    """Return the mail: plain text, and the due date as an iCalendar part."""
    letter = EmailMessage()
    letter["Subject"] = " ".join(parcel.subject.split())
    letter["From"], letter["To"] = settings.mail_from, parcel.address
    digest = hashlib.sha256(parcel.key.encode()).hexdigest()[:32]
    letter["Message-ID"] = f"<{digest}@{settings.mail_from.rpartition('@')[2] or 'localhost'}>"
    letter["Date"] = parcel.at.astimezone(clock.BUSINESS_ZONE)
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(f"{parcel.body}\n\n{parcel.link}\n" if parcel.link else f"{parcel.body}\n")
    if parcel.due_on:
        entry = calendar_of([(f"{digest}@decision-flow", parcel.due_on, parcel.subject, parcel.link)])
        letter.add_attachment(
            entry,
            maintype="text",
            subtype="calendar",
            filename="deadline.ics",
            params={"method": "PUBLISH", "charset": "utf-8"},
        )
    return letter


def calendar_of(entries: list[tuple[str, str, str, str]]) -> bytes:
    """Return an iCalendar file of whole-day entries: (uid, ISO date, summary, link)."""
    from icalendar import Calendar, Event

    found = Calendar()
    found.add("prodid", "-//Decision Flow//zh-CN")
    found.add("version", "2.0")
    found.add("method", "PUBLISH")
    for uid, day, summary, link in entries:
        event = Event()
        event.add("uid", uid)
        event.add("dtstamp", clock.now())
        event.add("dtstart", date.fromisoformat(day))
        event.add("dtend", date.fromisoformat(day) + timedelta(days=1))
        event.add("summary", summary)
        if link:
            event.add("url", link)
        found.add_component(event)
    return bytes(found.to_ical())


def webhook(parcel: Parcel, settings: Settings) -> None:
    """Post the notice as JSON, signed over time and body; any answer but 2xx is a failure."""
    body = json.dumps(
        {
            "id": parcel.key,
            "event": parcel.event,
            "at": parcel.at.isoformat(timespec="seconds"),
            "matter": parcel.matter_number,
            "subject": parcel.subject,
            "text": parcel.body,
            "link": parcel.link,
            "due": parcel.due_on or None,
            "data": parcel.payload,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    moment = str(int(time.time()))
    signature = hmac.new(parcel.secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {
        "Idempotency-Key": parcel.key,
        "X-Decision-Flow-Event": parcel.event,
        "X-Decision-Flow-Signature": f"t={moment},v1={signature}",
    }
    post(parcel.url, body, headers, settings)


def dingtalk(parcel: Parcel, settings: Settings) -> None:
    """Post to a DingTalk robot, signed where it has a secret."""
    url = parcel.url
    if parcel.secret:
        moment = str(int(time.time() * 1000))
        sign = _signed(parcel.secret, f"{moment}\n{parcel.secret}")
        url += f"{'&' if '?' in url else '?'}timestamp={moment}&sign={quote_plus(sign)}"
    _robot(parcel, url, {"msgtype": "text", "text": {"content": _line(parcel)}}, "errcode", settings)


def wecom(parcel: Parcel, settings: Settings) -> None:
    """Post to a WeCom robot."""
    _robot(parcel, parcel.url, {"msgtype": "text", "text": {"content": _line(parcel)}}, "errcode", settings)


def feishu(parcel: Parcel, settings: Settings) -> None:
    """Post to a Feishu robot, signed where it has a secret."""
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": _line(parcel)}}
    if parcel.secret:
        moment = str(int(time.time()))
        body |= {"timestamp": moment, "sign": _signed(f"{moment}\n{parcel.secret}", "")}
    _robot(parcel, parcel.url, body, "code", settings)


def post(url: str, body: bytes, headers: dict[str, str], settings: Settings, only: tuple[str, ...] = ()) -> bytes:
    """Post to `url` (JSON, unless a header says otherwise) and return the answer's body, at most 64 KiB.

    Raises `Unsendable`.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.username:
        raise Unsendable("地址不正确")
    allowed = {entry.strip() for entry in settings.hook_allow.split(",") if entry.strip()}
    if only and host not in only and host not in allowed:
        raise Unsendable(f"不是该机器人的官方地址：{host}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _resolved(host, port, allowed)
    literal = f"[{address}]" if ":" in address else address
    begun = time.monotonic()
    with requests.Session() as client:
        client.trust_env = False
        client.mount("https://", _Pinned(host))
        answer = client.post(
            urlunsplit((parts.scheme, f"{literal}:{port}", parts.path or "/", parts.query, "")),
            data=body,
            headers={"Content-Type": "application/json; charset=utf-8", "Host": parts.netloc, **headers},
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        )
        content = b""
        # Byte by byte: whoever answers with a few at a time must not keep us beyond the limit.
        for chunk in answer.iter_content(1):
            content += chunk
            if len(content) > LARGEST:
                raise Unsendable("对方的回答过大")
            if time.monotonic() - begun > LONGEST:
                raise Unsendable("对方回答太慢")
    if not 200 <= answer.status_code < 300:
        raise Unsendable(f"对方回答 {answer.status_code}")
    return content


class _Pinned(HTTPAdapter):
    """Connects to the address that was checked, with the name that was asked for in TLS."""

    def __init__(self, host: str) -> None:
        self._host = host
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, server_hostname=self._host, assert_hostname=self._host)


def _resolved(host: str, port: int, allowed: set[str]) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unsendable(f"地址解析不出来：{host}") from error
    addresses = [str(entry[4][0]) for entry in found]
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_global and not address.is_multicast:
            continue
        if host in allowed or any(_within(address, entry) for entry in allowed):
            continue
        raise Unsendable(f"内网地址没有列入允许名单：{text}")
    return addresses[0]


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, entry: str) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _robot(parcel: Parcel, url: str, body: dict[str, Any], code: str, settings: Settings) -> None:
    data = json.dumps(body, ensure_ascii=False).encode()
    answer = post(url, data, {"Idempotency-Key": parcel.key}, settings, ROBOT_HOSTS[parcel.channel])
    try:
        told = json.loads(answer)
    except ValueError:
        raise Unsendable("机器人的回答读不出来") from None
    if not isinstance(told, dict) or told.get(code) != 0:
        raise Unsendable(f"机器人没有接受：{str(told)[:200]}")


def _signed(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _line(parcel: Parcel) -> str:
    return "\n".join(part for part in (parcel.subject, parcel.body, parcel.link) if part)[:2000]


HOOKS: dict[str, Sender] = {"webhook": webhook, "dingtalk": dingtalk, "wecom": wecom, "feishu": feishu}


def senders(settings: Settings) -> dict[str, Sender]:
    """Return the ways out that this installation has: mail only with a mail server."""
    return {**HOOKS, **({"email": mail} if settings.smtp_host else {})}
