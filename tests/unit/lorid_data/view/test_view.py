"""Which rows a folder's page holds, and that it says so."""

from __future__ import annotations

import base64
import json
import re
import runpy
import zlib
from pathlib import Path
from typing import Any

import pytest

from lorid_data.cli.app import main
from lorid_data.errors import ConfigError
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.records import write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Disposition, Record, Reject, RejectReason
from lorid_data.view.write import view

made = runpy.run_path(str(Path(__file__).parents[3] / "support" / "labelled_folder.py"))
record, write_folder, write_audit = made["record"], made["write_folder"], made["write_audit"]


def reject(row: Record) -> Reject:
    return Reject(
        row_id=row.row_id,
        stage="validate",
        disposition=Disposition.QUARANTINE,
        reason=RejectReason.ANNOTATION_WRONG,
        detail="3*8=24 is not 25",
        evidence="<<3*8=25>>",
        problem_id=row.problem_id,
        split="train",
    )


@pytest.fixture
def checked(tmp_path: Path) -> Path:
    """A folder of 12 rows beside the one that holds the 8 of them that were kept."""
    rows = [record(n) for n in range(1, 13)]
    write_folder(tmp_path / "built", rows)
    parent = manifest_sha256(tmp_path / "built")
    with open_stage(tmp_path / "checked", "validate", identity={}, parent_sha256=parent) as stage:
        write_dataset(stage, rows[4:], [reject(r) for r in rows[:4]], n_in=12)
    return tmp_path / "checked"


def blocks(page: Path) -> dict[str, Any]:
    found = re.findall(
        r'<script type="application/octet-stream" id="(\w+)">([^<]*)<', page.read_text()
    )
    return {name: json.loads(zlib.decompress(base64.b64decode(text))) for name, text in found}


def test_kept_and_rejected_rows_with_their_texts(checked: Path, tmp_path: Path) -> None:
    write_audit(
        checked, {record(5).row_id: [{"check": "generic", "rule_index": 0, "evidence": "e"}]}
    )
    out = tmp_path / "page.html"
    view(checked, out)
    found = blocks(out)
    index = found["index"]
    assert [row["state"] for row in index] == ["quarantine"] * 4 + ["kept"] * 8
    first = found["t0"][0]
    assert first["sentence"] == RejectReason.ANNOTATION_WRONG.sentence
    assert (first["detail"], first["evidence"]) == ("3*8=24 is not 25", "<<3*8=25>>")
    assert first["question"] == [record(1).question]
    assert index[4]["flags"] == ["generic"]
    assert found["t0"][4]["flags"] == [{"check": "generic", "rule": 1, "evidence": "e"}]
    assert ["teacher", "recorded"] in found["t0"][4]["provenance"]
    assert "add the prices" in found["texts"][4]
    assert "A sample" not in out.read_text()
    assert "those of the folder built" in out.read_text()


def test_without_the_folder_before_it_a_reject_shows_what_it_has(
    checked: Path, tmp_path: Path
) -> None:
    (tmp_path / "built").rename(tmp_path / "elsewhere-built")
    (tmp_path / "elsewhere-built" / "manifest.json").unlink()
    view(checked, tmp_path / "page.html")
    found = blocks(tmp_path / "page.html")
    assert found["index"][0]["q"] == ""
    assert "question" not in found["t0"][0]
    assert found["t0"][0]["evidence"] == "<<3*8=25>>"
    assert "which is not beside this one" in (tmp_path / "page.html").read_text()


def test_a_sample_is_seeded_and_says_so(checked: Path, tmp_path: Path) -> None:
    ids = []
    for seed in (0, 0, 1):
        found = view(checked, tmp_path / "page.html", most=6, seed=seed)
        assert (found.n_kept_shown, found.n_rejected_shown) == (3, 3)
        ids.append([row["id"] for row in blocks(tmp_path / "page.html")["index"]])
    assert ids[0] == ids[1] != ids[2]
    text = (tmp_path / "page.html").read_text()
    assert "A sample, drawn with seed 1: 3 of 8 kept rows and 3 of 4 rejected ones." in text
    assert len(view(checked, tmp_path / "page.html", most=10).rows) == 10
    assert not view(checked, tmp_path / "page.html", most=12).is_sample


def test_more_than_two_thousand_rows_are_sampled(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", [record(n) for n in range(2_001)])
    found = view(folder, tmp_path / "page.html")
    assert (len(found.rows), found.is_sample) == (2_000, True)


@pytest.mark.parametrize("n", [0, 1])
def test_few_rows(tmp_path: Path, n: int) -> None:
    folder = write_folder(tmp_path / "data", [record(i) for i in range(n)])
    assert len(view(folder, tmp_path / "page.html").rows) == n
    assert len(blocks(tmp_path / "page.html")["index"]) == n


def test_the_same_folder_gives_the_same_page(checked: Path, tmp_path: Path) -> None:
    view(checked, tmp_path / "a.html")
    view(checked, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_page_needs_a_folder_and_a_file(checked: Path, tmp_path: Path) -> None:
    for folder, out in (
        (tmp_path / "none", tmp_path / "page.html"),
        (checked, tmp_path),
        (checked, tmp_path / "none" / "page.html"),
    ):
        with pytest.raises(ConfigError):
            view(folder, out)
        assert main(["view", str(folder), "--out", str(out)]) == 2


def test_the_command_says_what_it_wrote(
    checked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", str(checked), "--out", str(tmp_path / "p.html"), "--rows", "6"]) == 0
    said = capsys.readouterr().out
    assert "view: 3 of 8 kept rows and 3 of 4 rejected ones, a sample with seed 0 → " in said


def test_a_program_is_shown_with_how_it_ran_and_is_text_alone(tmp_path: Path) -> None:
    hostile = "answer = '</script><script>alert(1)</script>'  # \u202e\x1b"
    ran = {"program_from": "table", "program_status": "ok", "program_output": "<b>\x00"}
    rows = [record(1).model_copy(update={"program": hostile, **ran}), record(2)]
    view(write_folder(tmp_path / "data", rows), tmp_path / "page.html")
    first, second = blocks(tmp_path / "page.html")["t0"]
    assert first["program"] == "answer = '</script><script>alert(1)</script>'  # ⟨U+202E⟩␛"
    assert (first["run"], first["printed"]) == ("made of table, run: ok", "<b>␀")
    assert second["program"] == ""
    assert "alert(1)" in blocks(tmp_path / "page.html")["texts"][0]
    assert "<script>alert" not in (tmp_path / "page.html").read_text()
