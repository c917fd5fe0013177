"""Whatever is amiss with settings, data folder, database or port is told in one sentence that says what to do."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from decision_flow import demo, first_run, logs, migrations
from decision_flow.cli import load_demo
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.errors import Invalid
from decision_flow.kept_secrets import kept
from web.cli import main


@pytest.fixture(autouse=True)
def no_log_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # It would go on writing to where the command's output went.
    monkeypatch.setattr(logs, "configure", lambda _: None)


def run(*words: str, **settings: object) -> Result:
    env = {name: None for name in os.environ if name.startswith("DECISION_FLOW_")}
    given = {f"DECISION_FLOW_{name.upper()}": str(value) for name, value in settings.items()}
    return CliRunner().invoke(main, words, env={**env, **given})


def told(result: Result) -> str:
    """The one sentence that a command failed with."""
    assert result.exit_code == 2 and isinstance(result.exception, SystemExit), result.output
    (line,) = result.output.strip().splitlines()
    return line


# --- settings -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("prot = 80", "prot：没有这个设置；是不是 port？"),
        ("zzzz = 1", "zzzz：没有这个设置，请核对名称。"),
        ("port = 'high'", "port：应当是整数。"),
        ("port = true", "port：应当是整数。"),
        ("port = 80.5", "port：应当是整数。"),
        ("port = 0", "port：端口应在1到65535之间。"),
        ("https = 'perhaps'", "https：应当是 true 或者 false。"),
        ("worker_seconds = nan", "worker_seconds：应当是数。"),
        ("worker_seconds = 0", "worker_seconds：不能小于0.1。"),
        ("threads = 0", "threads：不能小于1。"),
        ("data_dir = ['a']", "data_dir：应当是文字，写在引号里。"),
        ("data_dir = ''", "data_dir：请写明目录。"),
        ("log_format = 'xml'", "log_format：只能是 text 或 json。"),
        ("database_url = 'mysql://a/b'", "database_url：应以 sqlite:/// 或 postgresql:// 开头。"),
        ("secret_key = 'short'", "secret_key：密钥至少需要32个字符。"),
        ("demo = true\nhttps = true", "demo：演示模式的账号是公开的"),
        ("port =", "不是正确的 TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, written: str, sentence: str) -> None:
    (tmp_path / "own.toml").write_text(written, "utf-8")
    assert_same(sentence, told(run("--config", str(tmp_path / "own.toml"), "config", "check")))


def assert_same(part: str, whole: str) -> None:
    """Full and half width are one here: how texts are punctuated is tried elsewhere."""
    narrow = str.maketrans("，；：？（）", ",;:?()")
    assert part.translate(narrow) in whole.translate(narrow)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("prot = 80\nhttps = 3\nthreads = -1", "utf-8")
    line = told(run("--config", str(tmp_path / "own.toml"), "config", "check"))
    assert all(name in line for name in ("prot", "https", "threads"))


def test_a_file_that_somebody_named_must_be_there(tmp_path: Path) -> None:
    missing, broken = tmp_path / "missing", tmp_path / "broken"
    broken.write_bytes(b"\xff\xfe")
    for path in (missing, broken):
        for result in (
            run("--config", str(path), "config", "check"),
            run("config", "check", config=path),
            run("config", "check", secret_key_file=path),
        ):
            line = told(result)
            assert str(path) in line and "UTF-8" in line
    assert run("config", "check").exit_code == 0


def test_the_environment_comes_over_the_file_and_secrets_are_masked(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("port = 1234\nthreads = 3\npublic_cache_seconds = 2", "utf-8")
    (tmp_path / "key").write_text("s" * 40 + "\n", "utf-8")
    result = run(
        "config", "check", config=tmp_path / "own.toml", port="4321", demo="yes", secret_key_file=tmp_path / "key"
    )
    for line in ("port = 4321 ", "threads = 3 ", "public_cache_seconds = 2.0 ", "demo = True ", "secret_key = ****** "):
        assert line in result.output
    assert "ssss" not in result.output


# --- data folder, database, port -----------------------------------------------------------------------------
COMMANDS = [
    "matters list", "matters show 1", "worker", "procedures list", "audit verify", "audit checkpoint", "db upgrade",
    "demo load", "serve --port 1", "backup {0}/new",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_data_folder_that_cannot_be_used(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    words = command.replace("--port 1", f"--port {free_port()}").format(tmp_path).split()
    line = told(run(*words, data_dir=tmp_path / "file" / "x"))
    assert str(tmp_path / "file") in line and "数据目录" in line


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("url", ["postgresql://u:geheim@127.0.0.1:9/x", "postgresql://u:geheim@[::/x"])
def test_a_database_that_is_not_there(tmp_path: Path, command: str, url: str) -> None:
    words = command.replace("--port 1", f"--port {free_port()}").format(tmp_path).split()
    line = run(*words, data_dir=tmp_path / "data", database_url=url)
    assert "database_url" in (said := line.output.strip().splitlines()[-1]) and "geheim" not in said
    assert line.exit_code == 2


@pytest.mark.parametrize("command", COMMANDS[:6])
def test_a_database_that_was_never_set_up(tmp_path: Path, command: str) -> None:
    line = told(run(*command.split(), data_dir=tmp_path / "数据 目录"))
    assert "decision-flow db upgrade" in line


def test_a_database_of_a_newer_release_is_left_alone(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for command in COMMANDS:
        words = command.replace("--port 1", f"--port {free_port()}").format(tmp_path).split()
        result = run(*words, data_dir=tmp_path / "data", database_url=database.url)
        assert result.exit_code == 2 and "9999" in result.output.strip().splitlines()[-1], command
    with pytest.raises(Invalid, match="9999"):
        migrations.upgrade(database)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "decision-flow.db").write_bytes(b"words " * 1000)
    assert "数据库不能使用" in told(run("matters", "list", data_dir=tmp_path))


def test_the_commands_on_an_empty_and_a_full_database(database: Database, tmp_path: Path) -> None:
    known = {"data_dir": tmp_path / "data", "database_url": database.url}
    for _ in range(2):
        assert "数据库已是最新" in run("db", "upgrade", **known).output
        assert "没有装入演示数据" in run("demo", "load", **known).output
    assert run("matters", "list", **known).output == ""
    missing = run("matters", "show", "没有", **known)
    assert missing.exit_code == 1 and "没有编号为 没有 的事项" in missing.output


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def test_a_port_that_is_taken_is_told_before_anything_is_begun(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = told(run("serve", "--port", str(port), "--data", str(tmp_path / "data")))
    assert str(port) in line and "--port" in line
    assert not (tmp_path / "data").exists()
    assert "no.such.host.invalid" in told(run("serve", host="no.such.host.invalid", data_dir=tmp_path / "data"))


# --- what is begun by several at once, or broken off ----------------------------------------------------------
def test_a_secret_stands_whole_or_not_at_all(tmp_path: Path) -> None:
    path, found, ready = tmp_path / "data" / "key", list[str](), threading.Barrier(8)

    def make() -> str:
        ready.wait()
        return str(threading.get_ident())

    many = [threading.Thread(target=lambda: found.append(kept(path, make))) for _ in range(8)]
    for one in many:
        one.start()
    for one in many:
        one.join()
    assert set(found) == {path.read_text()} and [one.name for one in path.parent.iterdir()] == ["key"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("")
    with pytest.raises(Invalid, match="空的"):
        kept(path, lambda: "never")


def test_half_a_demo_is_none(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.of({"data_dir": str(tmp_path), "demo": True})

    def broken_off(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "load", broken_off)
    with monkeypatch.context() as empty, pytest.raises(KeyboardInterrupt):
        empty.setattr(first_run, "is_needed", lambda _: True)
        load_demo(settings, database)
    with pytest.raises(Invalid, match="没有装完"):
        load_demo(settings, database)
    # In a new, empty database it begins again.
    monkeypatch.setattr(demo, "load", lambda *_: True)
    with monkeypatch.context() as empty:
        empty.setattr(first_run, "is_needed", lambda _: True)
        assert load_demo(settings, database) is True
    assert load_demo(settings, database) is False
