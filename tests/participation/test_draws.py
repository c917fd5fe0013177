"""The draw: the same for anyone who has seed and list, fair over seats, and run again by the command."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from decision_flow import draws, masking
from decision_flow.draws import Entry
from web.cli import main

SEATS = {"用水户": 2, "经营者": 1}
LIST = [
    Entry(1, "王建国", "用水户"),
    Entry(2, "李秀英", "用水户"),
    Entry(3, "张伟", "用水户"),
    Entry(4, "水厂", "经营者"),
]


def test_a_known_draw_never_changes() -> None:
    """Golden: computed here with nothing but hashlib, so that another program can do the same."""
    expected = sorted(
        LIST[:3], key=lambda e: hashlib.sha256(f"seed\n{e.number}\t{e.name}\t{e.side}".encode()).hexdigest()
    )
    ranked = draws.draw("seed", LIST, SEATS)
    assert [row.entry for row in ranked[:3]] == expected
    assert [(row.rank, row.selected) for row in ranked] == [(1, True), (2, True), (3, False), (1, True)]
    assert [row.entry.number for row in ranked] == [1, 2, 3, 4]


names = st.lists(st.tuples(st.text(min_size=1, max_size=5), st.sampled_from(["甲", "乙", "丙"])), max_size=30)


@given(names, st.text(min_size=1), st.dictionaries(st.sampled_from(["甲", "乙"]), st.integers(1, 5)))
def test_every_draw_fills_the_seats_and_loses_nobody(
    people: list[tuple[str, str]], seed: str, seats: dict[str, int]
) -> None:
    entries = [Entry(number, name, side) for number, (name, side) in enumerate(people, 1)]
    ranked = draws.draw(seed, entries, seats)
    assert sorted(row.entry.number for row in ranked) == [entry.number for entry in entries]
    assert ranked == draws.draw(seed, list(reversed(entries)), seats)
    for side, count in seats.items():
        own = [row for row in ranked if row.entry.side == side]
        assert sum(row.selected for row in own) == min(count, len(own))
        assert [row.rank for row in own] == list(range(1, len(own) + 1))
    assert not any(row.selected for row in ranked if row.entry.side not in seats)


def test_no_place_on_the_list_is_favoured() -> None:
    """Over many seeds each of ten people is drawn about as often: a chi-square of 27.9 is passed once in a thousand."""
    entries = [Entry(number, f"人{number}", "甲") for number in range(10)]
    drawn = [0] * 10
    for seed in range(2000):
        drawn[next(row.entry.number for row in draws.draw(str(seed), entries, {"甲": 1}) if row.selected)] += 1
    assert sum((count - 200) ** 2 / 200 for count in drawn) < 27.9


def test_the_command_runs_a_published_draw_again(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    head = "编号,姓名,相关方\n"  # as it is
    path.write_text(head + "\n".join(f"{e.number},{e.name},{e.side}" for e in LIST), "utf-8")
    command = ["hearing", "draw", "--seed", "seed", "--list", str(path), "--seats", "用水户=2", "--seats", "经营者=1"]
    told = CliRunner().invoke(main, command)
    assert told.exit_code == 0, told.output
    assert draws.commitment("seed") in told.output and draws.ALGORITHM in told.output
    assert [line.split("\t")[:3] for line in told.output.splitlines() if "\t" in line] == [
        ["用水户", "1", "1"], ["用水户", "2", "2"], ["用水户", "3", "3"], ["经营者", "1", "4"],
    ]  # fmt: skip
    path.write_text("1,王", "utf-8")  # as it is
    assert CliRunner().invoke(main, command).exit_code == 1
    assert CliRunner().invoke(main, [*command[:-1], "经营者"]).exit_code == 2


def test_a_public_value_changes_the_draw() -> None:
    assert draws.combined("s", " ") == "s" and draws.combined("s", "03 11 19") == "s:03 11 19"
    assert draws.new_seed() != draws.new_seed()
    with pytest.raises(ValueError, match="第2行"):
        draws.parse_list(["number,name,side", "x,y,z"])


def test_a_published_digest_is_no_account() -> None:
    """R-32a: sixteen figures in a row within a SHA-256 point to nobody; the same figures alone do."""
    digest = "ab62224433221100997f" + "c" * 44
    assert not masking.must_not_be_public(f"种子摘要：{digest}") and masking.text(digest) == digest
    assert masking.must_not_be_public("账号6222443322110099")


def test_a_comma_in_a_name_does_not_spoil_the_published_list() -> None:
    listed = [
        draws.Entry(1, "Lee, Ann", "用水户"),
        draws.Entry(2, "王建国", "用水户"),
        draws.Entry(3, "镇水厂", "经营者"),
    ]
    lines = [f"{entry.number},{entry.name},{entry.side}" for entry in listed]
    assert draws.parse_list(lines) == listed
    for line in ("1,王建国", "x,y,z\n,a,b", "2,,用水户"):  # as it is
        with pytest.raises(ValueError, match="第2行"):
            draws.parse_list(["1,甲,用水户", line])  # as it is
