"""The draw of hearing participants: anyone can run it again from the published seed and list (R-16c).

The algorithm, `sha256-rank-1`: for each person on the list, take the SHA-256 of the UTF-8 text
`seed + "\n" + key`, where `key` is `number + "\t" + name + "\t" + side`. Within each side the persons are
ranked by that digest, read as hexadecimal text, the smallest first; the first `seats` of a side take part and
the next are its substitutes, in order. Two equal digests are ranked by `key`. Whoever knows seed and list
gets the same ranks; whoever does not know the seed cannot choose a number that is drawn.

Pure: no database, no clock, no randomness.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ALGORITHM = "sha256-rank-1"
# The same for those who read the published list.
IN_WORDS = (
    "1. 计算种子文本的SHA-256，应与听证公告中的校验值一致。\n"
    "2. 有公开数值的，以“种子：公开数值”作为抽取用的种子；没有的，种子本身就是。\n"
    "3. 对名单中每一人，按UTF-8编码计算“种子、换行、编号、制表符、姓名、制表符、相关方”连成的文本的SHA-256。\n"
    "4. 在同一相关方内，按结果（小写十六进制）从小到大排列，排在名额以内的参加听证，其余依次候补。"
)


@dataclass(frozen=True)
class Entry:
    """One person on the list: the number given at enrolment, the name, and the side to be spoken for."""

    number: int
    name: str
    side: str

    @property
    def key(self) -> str:
        """What is hashed together with the seed."""
        return f"{self.number}\t{self.name}\t{self.side}"


@dataclass(frozen=True)
class Ranked:
    """One person with the digest that ranks them; `rank` counts from 1 within the side."""

    entry: Entry
    digest: str
    rank: int
    selected: bool


def new_seed() -> str:
    """Return 256 random bits as hexadecimal text."""
    return secrets.token_hex(32)


def commitment(seed: str) -> str:
    """Return what is published before enrolment closes: the SHA-256 of the seed's text."""
    return hashlib.sha256(seed.encode()).hexdigest()


def combined(seed: str, public_value: str = "") -> str:
    """Return the seed of the draw: the published one, joined with a value that only became known afterwards.

    With a public value, such as the numbers of a lottery drawn after enrolment closed, not even the organiser
    can have known the outcome while people enrolled.
    """
    return f"{seed}:{public_value.strip()}" if public_value.strip() else seed


def draw(seed: str, entries: Iterable[Entry], seats: Mapping[str, int]) -> list[Ranked]:
    """Return all entries ranked, side by side in the order of `seats`; unknown sides come last and get no seat."""
    listed = list(entries)
    unknown = sorted({entry.side for entry in listed} - set(seats))
    by_side: dict[str, list[tuple[str, Entry]]] = {side: [] for side in (*seats, *unknown)}
    for entry in listed:
        digest = hashlib.sha256(f"{seed}\n{entry.key}".encode()).hexdigest()
        by_side[entry.side].append((digest, entry))
    ranked: list[Ranked] = []
    for side, drawn in by_side.items():
        drawn.sort(key=lambda pair: (pair[0], pair[1].key))
        for place, (digest, entry) in enumerate(drawn, 1):
            ranked.append(Ranked(entry, digest, place, place <= seats.get(side, 0)))
    return ranked


def parse_list(lines: Sequence[str]) -> list[Entry]:
    """Return the entries of a published list, one a line: number, name, side, separated by tabs or commas.

    A comma inside a name is the name's own: the number ends at the first, the side begins after the last.

    Raises `ValueError` naming the line that cannot be read.
    """
    found: list[Entry] = []
    for place, line in enumerate(lines, 1):
        number, _, rest = line.replace("\t", ",").partition(",")
        name, comma, side = rest.rpartition(",")
        parts = [part.strip() for part in ((number, name, side) if comma else (number, *rest.split(",")))]
        if not any(parts) or (place == 1 and not parts[0].isdecimal()):
            continue
        if len(parts) != 3 or not parts[0].isdecimal() or not parts[1] or not parts[2]:
            raise ValueError(f"名单第{place}行应当写明序号、姓名和相关方，以逗号分隔。")
        found.append(Entry(int(parts[0]), parts[1], parts[2]))
    return found
