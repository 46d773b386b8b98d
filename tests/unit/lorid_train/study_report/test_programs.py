"""The page of a study in which programs have a say, from finished folders."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import write_rows
from lorid_data.schema import Provenance, Record, problem_id
from lorid_train.interaction.draws import Draw, DrawLog, Ran
from lorid_train.study.run import _check
from lorid_train.study.settings import StudyConfig
from lorid_train.study_report import Cell, write_programs

N = 12


def pid(i: int) -> str:
    return problem_id(f"Question {i}?")


def folder(path: Path, *, programs: bool = True) -> Path:
    """Twelve questions: IR is right on the first half, CG on the second; DR agrees with IR."""
    path.mkdir(parents=True)
    records = [
        Record(
            row_id=f"r{i}", problem_id=pid(i), original_id=pid(i), source="arithmetic", split="test",
            question=f"Question {i}?", rationale="So.", answer=str(i), level=str(2 + i % 2), subject="s",
            provenance=Provenance(teacher="source"),
        )
        for i in range(N)
    ]  # fmt: skip
    write_rows(path / RECORDS, Record, records)
    log = DrawLog(path / "draws.jsonl")
    for i in range(N):
        said = {"ir": i if i < N // 2 else 99, "dr": i if i < N // 2 else 98, "cg": 97 if i < N // 2 else i}  # fmt: skip
        for role, condition in (("ir", "greedy"), ("cg", "greedy"), ("ir", "sampled"), ("kg", "sampled"),
                                ("dr", "sampled"), ("cg", "sampled")):  # fmt: skip
            if role == "cg" and not programs:
                continue
            for r in (1, 2) if condition == "sampled" else (1,):
                answer = str(said.get(role))
                ran = Ran(status="ok", answer=answer, is_grounded=i % 2 == 0, sandbox="s 1")
                log.append(
                    Draw(
                        problem_id=pid(i), role=role, condition=condition, seed=0, round=r, text=f"--> {answer} END",
                        finish_reason="stop", n_prompt_tokens=1, n_tokens=10, prompt_sha256="x",
                        executed=ran if role == "cg" else None,
                    )
                )  # fmt: skip
    log.close()
    return path


def cell(root: Path, name: str) -> Cell:
    return Cell(name, "0", "student", 0, root, folder(root / name / "eval"), folder(root / name / "val"))  # fmt: skip


def test_systems_by_scale_and_the_planned_comparisons(tmp_path: Path) -> None:
    scales = {pid(i): 1 if i < N // 2 else 10 for i in range(N)}
    write_programs([cell(tmp_path, "a"), cell(tmp_path, "b")], tmp_path, scales=scales)
    body = json.loads((tmp_path / "programs.json").read_text())
    found = {(m["system"], m["metric"], m["slice"]): m["value"] for m in body["metrics"]}
    assert found["ir-greedy", "accuracy", "scale=1"] == 1.0
    assert found["ir-greedy", "accuracy", "scale=10"] == 0.0
    assert found["cg-greedy", "accuracy", "cell=b,scale=10"] == 1.0
    assert found["any-two@T", "accuracy", "scale=1"] == 1.0  # IR and DR agree, and are right
    assert found["any-two@T", "accuracy", "steps=2"] == 0.5
    assert found["ir+dr", "precision", "scale=1"] == 1.0
    assert found["cg-draws", "grounded", None] == 0.5
    differences = {(d["first"], d["second"]): d for d in body["differences"]}
    assert differences["cg-greedy", "ir-greedy"]["value"] == 0.0
    assert differences["cg-greedy", "ir-greedy"]["p_holm"] == 1.0
    assert set(body["votes"]) == {"a", "b"}
    assert body["votes"]["a"]["cg"] > 0
    page = (tmp_path / "programs.html").read_text()
    assert "Accuracy by scale" in page
    assert "<svg" in page
    assert page.count("<svg") == 3  # tokens, for wide and narrow screens, and scales
    assert "Accuracy against tokens" in page
    assert page.count("<caption>") == len(set(re.findall("<caption>(.*?)</caption>", page)))
    assert "any-two@T" in (tmp_path / "programs.md").read_text()
    before = {p.name: p.read_bytes() for p in tmp_path.glob("programs.*")}
    cells = [
        Cell(n, "0", "student", 0, tmp_path, tmp_path / n / "eval", tmp_path / n / "val")
        for n in "ab"
    ]
    write_programs(cells, tmp_path, scales=scales)
    assert before == {p.name: p.read_bytes() for p in tmp_path.glob("programs.*")}


def test_where_all_is_of_one_scale_no_table_is_by_scale(tmp_path: Path) -> None:
    write_programs([cell(tmp_path, "a")], tmp_path, scales={})
    for name in ("programs.html", "programs.md"):
        assert "Accuracy by scale" not in (tmp_path / name).read_text()


def test_a_study_without_programs_has_no_such_page(tmp_path: Path) -> None:
    bare = folder(tmp_path / "eval", programs=False)
    with pytest.raises(InputError, match="no program was drawn"):
        write_programs([Cell("a", "0", "s", 0, bare, bare, bare)], tmp_path, scales={})


def test_scales_are_of_numbers_that_are_drawn(tmp_path: Path) -> None:
    config = StudyConfig(
        source="concepts", group_by="subject", scales=(1, 3), roles=("ir", "kg", "dr")
    )
    with pytest.raises(ConfigError, match="only the numbers of 'arithmetic' have one"):
        _check(config, tmp_path)
    assert config.unsaid == {"trainable_tokens"}
    assert StudyConfig(source="concepts", group_by="subject").unsaid == {"scales", "trainable_tokens"}  # fmt: skip
