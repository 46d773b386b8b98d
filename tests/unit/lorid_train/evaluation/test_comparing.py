"""`lorid-train compare`: two finished folders against each other, in words and as JSON."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_data.commandline.program import run
from lorid_data.errors import ConfigError
from lorid_train import cli
from lorid_train.evaluation import timing
from lorid_train.evaluation.comparing import sides
from lorid_train.evaluation.evaluate import report_on, run_names
from lorid_train.metrics.significance import mcnemar_exact

finished = runpy.run_path(str(Path(__file__).parents[3] / "support" / "finished_evaluation.py"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("compare")
    write = finished["write"]
    return {
        "good": write(root / "good" / "eval", n=60, p_ir=0.8, p_dr=0.8, draw_s=12.5),
        "bad": write(root / "bad" / "eval", n=50, p_ir=0.2, p_dr=0.2, random_seed=1, settings={"temperature": 0.7}),
        "few": write(root / "few" / "eval", n=5, p_ir=0.9, random_seed=2),
    }  # fmt: skip


def compare(capsys: Any, *args: object) -> str:
    assert run(cli.app, ["compare", *map(str, args)]) == 0
    return str(capsys.readouterr().out)


def test_the_warning_comes_first_then_a_minus_b(folders: dict[str, Path], capsys: Any) -> None:
    lines = compare(capsys, folders["good"], folders["bad"]).splitlines()
    assert lines[0].startswith("WARNING: good/eval and bad/eval, not like for like: ")
    assert "50 questions are shared, of 60 in good/eval and 50 in bad/eval" in lines[0]
    assert "settings differ: temperature (1.5 against 0.7)" in lines[0]
    assert lines[1].startswith("good/eval is better than bad/eval: ")
    assert "of 50 questions, +" in lines[1]
    assert any(line.startswith("lorid@5 ") for line in lines)
    assert "The draws took 12.5 s in good/eval, not noted in bad/eval" in lines[-1]


def test_another_fitted_rule_is_another_setting(tmp_path: Path, capsys: Any) -> None:
    a, b = (finished["write"](tmp_path / n, n=6, more={"rule_sha256": n * 64}) for n in "ab")
    assert f"settings differ: rule_sha256 ({'a' * 12} against {'b' * 12})" in compare(capsys, a, b)


def test_json_holds_what_the_outcomes_say(folders: dict[str, Path], capsys: Any) -> None:
    text = compare(capsys, folders["good"], folders["bad"], "--json")
    assert text.isascii()
    body = json.loads(text)
    assert (body["schema"], body["runs"]) == (1, ["good/eval", "bad/eval"])
    [pair] = body["pairs"]
    assert (pair["n_shared"], pair["n_first_alone"], pair["n_second_alone"]) == (50, 10, 0)
    assert pair["differing_settings"] == {"temperature": ["1.5", "0.7"]}
    a, b = sides([folders["good"], folders["bad"]])
    right = [
        {o.problem_id for o in s.scored.outcomes["lorid@5"] if o.verdict == "correct"}
        & set(a.questions)
        & set(b.questions)
        for s in (a, b)
    ]
    assert set(pair["only_first_right"]) == right[0] - right[1]
    assert set(pair["only_second_right"]) == right[1] - right[0]
    loop = pair["systems"][0]
    assert loop["system"] == pair["loop"] == "lorid@5"
    assert loop["difference"] == pytest.approx((len(right[0]) - len(right[1])) / 50)
    assert loop["ci_low"] < loop["difference"] < loop["ci_high"]
    assert loop["p"] == mcnemar_exact(len(right[0] - right[1]), len(right[1] - right[0]))
    assert loop["verdict"] == "better"
    assert loop["first"]["tokens_per_problem"] < loop["second"]["tokens_per_problem"]
    assert pair["draw_s"] == [12.5, None]


def test_the_report_says_the_same(folders: dict[str, Path], capsys: Any, tmp_path: Path) -> None:
    pair = json.loads(compare(capsys, folders["good"], folders["bad"], "--json"))["pairs"][0]
    warning, said = pair.pop("warning"), compare(capsys, folders["good"], folders["bad"])
    report_on([folders["good"], folders["bad"]], tmp_path / "r.html", {})
    assert json.loads((tmp_path / "r.json").read_text())["pairs"] == [pair]
    html = (tmp_path / "r.html").read_text()
    first = html[html.index('<section id="verdict"') :]
    assert first.index(warning) < first.index(said.splitlines()[1].replace("<", "&lt;"))


def test_five_questions_get_no_verdict(folders: dict[str, Path], capsys: Any) -> None:
    out = compare(capsys, folders["good"], folders["few"])
    assert "No verdict on good/eval − few/eval, which takes at least 6 questions" in out
    rows = [line for line in out.splitlines() if "(n = 5)" in line]
    assert len(rows) > 8
    assert not any(w in row for row in rows for w in ("better", "worse", "within noise"))
    [pair] = json.loads(compare(capsys, folders["good"], folders["few"], "--json"))["pairs"]
    assert {s["verdict"] for s in pair["systems"]} == {None}


def test_more_than_two_are_a_matrix(folders: dict[str, Path], capsys: Any) -> None:
    out = compare(capsys, *folders.values())
    assert "Row − column" in out
    a, b = out.index("good/eval is better than bad/eval"), out.index("No verdict on good/eval")
    assert a < b
    body = json.loads(compare(capsys, *folders.values(), "--json"))
    assert [(p["first"], p["second"]) for p in body["pairs"]] == [
        ("good/eval", "bad/eval"), ("good/eval", "few/eval"), ("bad/eval", "few/eval"),
    ]  # fmt: skip
    loops = [p["systems"][0] for p in body["pairs"]]
    assert {s["family"] for s in loops} == {"holm over 3 (pairs of runs)"}
    assert loops[0]["p_holm"] >= loops[0]["p"]


def test_what_cannot_be_compared_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two or more"):
        sides([folders["good"]])
    with pytest.raises(ConfigError, match="named twice"):
        sides([folders["good"], folders["good"] / ".." / "eval"])
    assert run_names([Path("/a/x/eval"), Path("/a/y/eval"), Path("/b/y/other")]) == [
        "x/eval", "y/eval", "y/other",
    ]  # fmt: skip


def test_time_is_added_up_and_nonsense_is_no_time(tmp_path: Path) -> None:
    assert timing.read(tmp_path) is None
    timing.add(tmp_path, 1.25)
    timing.add(tmp_path, 2.5)
    assert timing.read(tmp_path) == 3.75
    for text in ('{"draw_s": true}', "[]", '{"draw_s": -1}', "{", '{"draw_s": 1e400}'):
        (tmp_path / timing.FILE).write_text(text)
        assert timing.read(tmp_path) is None
