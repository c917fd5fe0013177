"""How often one source may do something: a counter in the database, so that every process counts the same.

One statement per hit on SQLite and PostgreSQL alike. A source is a keyed digest that changes every day: the
counter cannot tell who it was.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, delete, text
from sqlalchemy.orm import Session

from decision_flow import clock
from decision_flow.db import UTCDateTime
from decision_flow.models import RateCount

_HIT = text(
    'INSERT INTO rate_count (source, "window", hits, ends_at) VALUES (:source, :window, 1, :ends_at) '
    'ON CONFLICT (source, "window") DO UPDATE SET hits = rate_count.hits + 1 RETURNING hits'
).bindparams(bindparam("ends_at", type_=UTCDateTime(timezone=True)))


@dataclass(frozen=True)
class Limit:
    """At most `hits` in each window of `seconds`."""

    name: str
    hits: int
    seconds: int


@dataclass(frozen=True)
class Answer:
    """Whether a hit is within the limits, and else after how many seconds the next may be tried."""

    allowed: bool
    retry_after: int = 0


def source_of(address: str, key: str) -> str:
    """Return the digest that stands for an address today; IPv6 addresses of one network (/64) are one source."""
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
        if parsed.version == 6:
            address = str(ipaddress.ip_network((parsed, 64), strict=False))
    except ValueError:
        address = "unknown"
    told = f"{clock.today().isoformat()}\n{address}"
    return hmac.new(key.encode(), told.encode(), hashlib.sha256).hexdigest()[:40]


def hit(session: Session, source: str, limits: tuple[Limit, ...]) -> Answer:
    """Count one attempt of `source` under each limit; the caller commits, also when it is not allowed."""
    now = clock.now()
    seconds = int(now.timestamp())
    worst = 0
    for limit in limits:
        window = seconds // limit.seconds
        ends = (window + 1) * limit.seconds
        values = {
            "source": f"{limit.name}:{source}", "window": window, "ends_at": datetime.fromtimestamp(ends, UTC),
        }  # fmt: skip
        hits = session.scalar(_HIT, values)
        if (hits or 0) > limit.hits:
            worst = max(worst, ends - seconds)
    return Answer(worst == 0, worst)


def sweep(session: Session) -> int:
    """Remove the counters of windows that ended an hour ago or earlier; return how many."""
    gone = session.execute(delete(RateCount).where(RateCount.ends_at < clock.now() - timedelta(hours=1)))
    return int(gone.rowcount)  # type: ignore[attr-defined]
