"""The record of a matter as PDF/A, and its archive package: complete, provable, and every change of it found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import etree

from decision_flow import checkpoints, clock, packages, printing
from decision_flow.cli import main
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid
from decision_flow.models import Document
from decision_flow.resources import BPMN
from decision_flow.verifier import verify_trail
from tests.long_trail import KEY
from tests.stories.test_paths import begun

HOSTILE = '#include("/etc/passwd") #let x = 1; $ \\ `*_ [#read("common.typ")] <a> "引号" ' + "\u202e\x07\U0001f600"


@pytest.fixture(autouse=True)
def signatures_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_trail, "signature_holds", lru_cache(verify_trail.signature_holds))


def packed(database: Database, files: FileStore, matter_id: int, target: Path) -> Path:
    with database.transaction() as session:
        checkpoints.seal(session, KEY)
    with database.snapshot() as session:
        packages.write(session, files, KEY, matter_id, target)
    return target


def codes(path: Path, **given: object) -> list[str]:
    return [code for code, _ in verify_trail.verify_file(str(path), **given).problems]


def text_of(pdf: bytes) -> str:
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("no pdftotext")
    return subprocess.run([tool, "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()


@pytest.fixture
def small(database: Database, files: FileStore) -> Play:
    """A matter with a few steps and a paper, sealed twice."""
    play = begun("T_major_decision_04")(database, files)
    with database.transaction() as session:
        checkpoints.seal(session, KEY)
    return play.do("T_major_decision_04")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_finished_matter_is_handed_over_complete_and_proven(
    database: Database, files: FileStore, tmp_path: Path
) -> None:
    play = cases.rural_road(database, files, date(2026, 1, 12))
    play.run_to(given={"T_execution_tracking_01": {"percent_done": 100, "finished": True}})
    whole = packed(database, files, play.matter_id, tmp_path / "p.zip")
    report = verify_trail.verify_file(str(whole), checkpoints.public_key(KEY))
    assert report.problems == [] and report.events == report.covered > 150
    assert report.files is not None and report.files[0] > 50 and "归入的材料" in report.text()
    with zipfile.ZipFile(whole) as archive:
        names = archive.namelist()
        pdfs = {name: archive.read(name) for name in names if name.endswith(".pdf")}
        manifest = json.loads(archive.read("ZD-2026-0001/manifest.json"))
    # Each item of the file list, by name.
    assert [(item["number"], item["state"]) for item in manifest["checklist"]][:5] == [
        (n, "present") for n in range(1, 6)
    ]
    assert len(manifest["checklist"]) == 13 and manifest["checklist"][0]["tasks"]
    # What was exempted says on which basis and by whom, here and in the record.
    exempt = manifest["checklist"][5]
    assert (exempt["state"], exempt["exemption"]["article"]) == ("exempt", "条例第十九条") and exempt["tasks"]
    assert (
        exempt["exemption"]["approved_as"].endswith("孙丽")
        and "设计由具备资质单位完成" in exempt["exemption"]["reason"]
    )
    assert {one["kind"] for one in manifest["files"]} == {
        "record",
        "form",
        "original",
        "trail",
        "metadata",
        "index",
        "verifier",
    }
    assert all(content.startswith(b"%PDF-1.7") and b"pdfaid:part>2<" in content for content in pdfs.values())
    told = text_of(pdfs["ZD-2026-0001/content/001-全过程记录.pdf"])
    for words in (
        "全过程记录",
        "清河镇青石至柳湾农村公路改造工程",
        "（批准：清河镇人民政府",
        "二、办理经过",
        "研究论证",
        "最近的检查点",
        "系统留痕",
        "高建明",
    ):
        assert words in told
    # On a machine with nothing but Python, and unpacked.
    with zipfile.ZipFile(whole) as archive:
        archive.extractall(tmp_path / "out")
    folder = tmp_path / "out" / "ZD-2026-0001"
    for given in (".", str(whole)):
        command = [sys.executable, "-I", "-S", "verify_trail.py", given, "--lang", "en"]
        alone = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert alone.returncode == 0 and "Intact" in alone.stdout, alone.stdout + alone.stderr
    # What is said to be missing by whoever signed is said so.
    manifest["checklist"][2]["state"] = "missing"
    manifest["checklist"][3]["tasks"].append(999_999)
    resign(folder, manifest)
    assert codes(folder) == ["absent", "evidence"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_single_change_of_a_package_is_found_and_named(small: Play, files: FileStore, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed(small.database, files, small.matter_id, tmp_path / "p.zip")) as archive:
        archive.extractall(tmp_path / "out")
    (folder,) = (tmp_path / "out").iterdir()
    found = verify_trail.verify_file(str(folder))
    assert found.problems == [] and found.files is not None and found.files[1] >= 1
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for name, changes in ((name, byte_changes((folder / name).read_bytes())) for name in names):
        whole = (folder / name).read_bytes()
        for changed in changes:
            if changed is None:
                (folder / name).unlink()
            else:
                (folder / name).write_bytes(changed)
            problems = verify_trail.verify_file(str(folder)).problems
            named = (
                ("manifest", ())
                if name.startswith("manifest.")
                else (("missing" if changed is None else "changed"), (name,))
            )
            assert named in problems, (name, problems)
            (folder / name).write_bytes(whole)
    for extra in ("content/100-多出.pdf", "autorun.inf"):
        (folder / extra).write_bytes(b"x")
        assert verify_trail.verify_file(str(folder)).problems == [("extra", (extra,))]
        (folder / extra).unlink()
    one, two = (folder / name for name in [name for name in names if name.startswith("content/")][:2])
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert codes(folder) == ["changed", "changed"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whoever_could_sign_anew_is_found_by_the_chain_and_the_checkpoints(
    small: Play, files: FileStore, tmp_path: Path
) -> None:
    """Every field of every line of the trail, every line out, doubled, swapped: the manifest made to fit each time."""
    with zipfile.ZipFile(packed(small.database, files, small.matter_id, tmp_path / "p.zip")) as archive:
        archive.extractall(tmp_path / "out")
    (folder,) = (tmp_path / "out").iterdir()
    lines = [json.loads(line) for line in (folder / "audit.jsonl").read_text("utf-8").split("\n")[:-1]]
    assert {line["kind"] for line in lines} == {"trail", "event", "checkpoint", "inclusion", "end"}

    def judge(changed: list[dict]) -> list[str]:
        trail = verify_trail.Trail()
        for line in changed:
            trail.take(line)
        return [code for code, _ in trail.done().problems]

    assert judge(lines) == []
    for place, line in enumerate(lines):
        rest = lines[place + 1 :]
        assert judge(lines[:place] + rest) and judge(lines[: place + 1] + lines[place:]) and judge(lines[:place]), place
        if line["kind"] == "trail":
            continue  # the header is not evidence
        for field, value in line.items():
            for new in (
                None,
                "x",
                value + 1
                if isinstance(value, int)
                else [*value, "00" * 32]
                if isinstance(value, list)
                else value + "0",
            ):
                assert judge([*lines[:place], {**line, field: new}, *rest]), (line["kind"], field, new)
        if line["kind"] == "event":
            told = json.loads(line["canonical"])
            redated = verify_trail.canonical_json({**told, "at": "2020" + told["at"][4:]})
            assert "hash" in judge([*lines[:place], {**line, "canonical": redated}, *rest])
    # With everything made to fit, papers and ends are still held against the trail.
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    original = next(one for one in manifest["files"] if one["kind"] == "original")
    (folder / original["path"]).write_bytes("换过的内容".encode())
    resign(folder, manifest)
    assert codes(folder) == ["document", "unnamed"]
    assert codes(folder, key="00" * 32)[:1] == ["foreign"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_zip_with_two_files_of_one_name_or_none_at_all_is_no_package(
    small: Play, files: FileStore, tmp_path: Path
) -> None:
    whole = packed(small.database, files, small.matter_id, tmp_path / "p.zip")
    with zipfile.ZipFile(whole, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(next(name for name in archive.namelist() if name.endswith("index.html")), b"another")
    assert "twice" in codes(whole)
    content = whole.read_bytes()
    (tmp_path / "cut.zip").write_bytes(content[: len(content) // 2])
    assert codes(tmp_path / "cut.zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("x", b"x")
    assert codes(tmp_path / "empty.zip") == ["manifest"]


def test_one_checkpoint_is_proven_to_go_on_from_another(database: Database, small: Play) -> None:
    with database.transaction() as session:
        checkpoints.seal(session, KEY)
    for _ in range(5):
        small.claim(sorted(open_tasks(small))[0])
        with database.transaction() as session:
            checkpoints.seal(session, KEY)
    with database.snapshot() as session:
        points = [line for line in checkpoints.lines(session) if line["kind"] == "checkpoint"]
        assert len(points) >= 3
        proofs = [
            (old, checkpoints.proof(session, old, new)) for turn, new in enumerate(points) for old in points[: turn + 1]
        ]
        with pytest.raises(Invalid):
            checkpoints.proof(session, {"number": 99}, points[-1])
    for old, proof in proofs:
        assert verify_trail.verify_consistency(proof, kept=old).problems == []
        for place in range(len(proof["path"])):
            other = [*proof["path"]]
            other[place] = "00" * 32
            assert "consistent" in [c for c, _ in verify_trail.verify_consistency({**proof, "path": other}).problems]
        longer = {**proof, "path": [*proof["path"], "00" * 32]}
        assert verify_trail.verify_consistency(longer).problems
    old, proof = proofs[1]
    assert [code for code, _ in verify_trail.verify_consistency({**proof, "from": points[2]}).problems]
    assert verify_trail.verify_consistency({"kind": "consistency"}).problems == [("line", (1,))]


def test_a_paper_that_is_not_what_was_filed_makes_no_package(small: Play, files: FileStore, tmp_path: Path) -> None:
    with small.database.transaction(read_only=True) as session:
        sha256 = session.query(Document.sha256).filter(Document.filed_at.is_not(None)).first()[0]
    path = files.path(sha256)
    content = path.read_bytes()
    path.write_bytes(b"another")
    with pytest.raises(Invalid, match="与登记的散列值不符"):
        packed(small.database, files, small.matter_id, tmp_path / "p.zip")
    path.unlink()
    with small.database.snapshot() as session, pytest.raises(Invalid, match="读不出来"):
        packages.write(session, files, KEY, small.matter_id, tmp_path / "p.zip")
    path.write_bytes(content)


def test_what_people_wrote_is_never_markup() -> None:
    values = {
        "title": HOSTILE, "organ": HOSTILE, "number": HOSTILE, "matter": HOSTILE, "unit": HOSTILE, "basis": HOSTILE,
        "marks": [HOSTILE], "filled_as": HOSTILE, "date": HOSTILE, "digest": HOSTILE,
        "sections": [{
            "heading": HOSTILE, "lines": [{"label": HOSTILE, "value": HOSTILE * 20}],
            "tables": [{"label": HOSTILE, "columns": [HOSTILE], "rows": [[HOSTILE]]}],
        }],
    }  # fmt: skip
    told = text_of(printing.pdf("form", values, clock.now())).replace("\n", "").replace(" ", "")
    assert '#include("/etc/passwd")#letx=1;$\\`*_[#read("common.typ")]<a>"引号"' in told
    assert "root:" not in told


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_commands_export_the_record_and_the_package(small: Play, files: FileStore, tmp_path: Path) -> None:
    (tmp_path / checkpoints.KEY_FILE).write_text(bytes(range(32)).hex())
    config = tmp_path / "decision-flow.toml"
    config.write_text(f'data_dir = "{tmp_path}"\ndatabase_url = "{small.database.url}"\n')

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["--config", str(config), "audit", *words])
        return result.exit_code, result.output

    matter, pdf, package = str(small.matter_id), tmp_path / "m.pdf", tmp_path / "m.zip"
    assert run("export", "--format", "pdf", "--matter", matter, "-o", str(pdf))[0] == 0
    assert pdf.read_bytes().startswith(b"%PDF")
    assert run("checkpoint", "-o", str(tmp_path / "old.json"))[0] == 0
    assert run("export", "--format", "package", "--matter", matter, "-o", str(package))[0] == 0
    assert run("verify", str(package))[0] == 0
    assert run("checkpoint", "-o", str(tmp_path / "proof.json"), "--since", str(tmp_path / "old.json"))[0] == 0
    status, told = run(
        "verify", str(tmp_path / "proof.json"), "--checkpoint", str(tmp_path / "old.json"), "--lang", "en"
    )
    assert status == 0 and "goes on from checkpoint" in told
    assert run("export", "--format", "pdf", "-o", str(pdf))[0] == 2
    assert run("export", "--format", "package", "--matter", matter, "--rule", "R-1", "-o", str(pdf))[0] == 2
    assert run("export", "--format", "xes", "--resume", "-o", str(pdf))[0] == 2
    assert run("export", "--format", "pdf", "--matter", "999", "-o", str(pdf))[0] == 2


def byte_changes(content: bytes) -> Iterator[bytes | None]:
    yield None
    yield content[:-1]
    yield content + b"\n"
    for at in {0, len(content) // 2, len(content) - 1}:
        yield bytes([*content[:at], content[at] ^ 1, *content[at + 1 :]])


def open_tasks(play: Play) -> set[str]:
    from tests.stories.telling import names

    return names(play)


def resign(folder: Path, manifest: dict) -> None:
    """Make the manifest fit the folder and sign it with the right key."""
    for one in manifest["files"]:
        content = (folder / one["path"]).read_bytes()
        one |= {
            "size": len(content),
            "sha256": verify_trail.hashlib.sha256(content).hexdigest(),
            "sm3": verify_trail.sm3_of(content),
        }
    content = json.dumps(manifest, ensure_ascii=False).encode()
    (folder / "manifest.json").write_bytes(content)
    signature = KEY.sign(verify_trail.signed_of(content)).hex()
    (folder / "manifest.sig").write_bytes(verify_trail.signature_file(checkpoints.public_key(KEY), signature))


def test_a_diagram_shows_what_was_done_and_what_stands_and_is_cut_where_it_is_large() -> None:
    folder = BPMN / "procedures" / "major_decision"
    (small,) = printing.svgs((folder / "archiving.bpmn").read_bytes(), {"T_archiving_01": 1}, {"T_archiving_02"})
    drawn = etree.fromstring(small.encode())
    boxes = {one.get("x"): one for one in drawn.iter("{*}rect")}
    assert boxes["393.0"].get("fill") == "#dce8f2" and boxes["547.0"].get("stroke-width") == "3"
    assert "整理移交" in "".join(drawn.itertext())
    assert len(printing.svgs((folder / "major_decision.bpmn").read_bytes(), {}, ())) == 3
    assert printing.svgs(b"<x/>", {}, ()) == []
