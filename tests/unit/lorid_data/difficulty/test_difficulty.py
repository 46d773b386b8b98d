"""`difficulty`: pass rates out of evaluations, as a column that every later step knows."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.difficulty.asked import Opened, gather
from lorid_data.difficulty.page import render
from lorid_data.difficulty.rates import doubt, graded, merged
from lorid_data.difficulty.stage import described, difficulty
from lorid_data.difficulty.unsolved import NeverSolved, never_solved
from lorid_data.errors import InputError
from lorid_data.folders.draw_lines import line_of
from lorid_data.folders.evaluations import Judge, judge_of
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.intervals import beta_posterior
from lorid_data.pass_rates import PassRate, judged, rate_of
from lorid_data.schema import Record

_SUPPORT = Path(__file__).parents[3] / "support"
_write = runpy.run_path(str(_SUPPORT / "finished_evaluation.py"))["write"]
_record = runpy.run_path(str(_SUPPORT / "simulated_evaluation.py"))["record"]
IR, DR = Judge("ir", "a" * 64, ("1" * 64,)), Judge("dr", "b" * 64, ("2" * 64, "3" * 64))


def dataset(out: Path, records: list[Record]) -> Path:
    with open_stage(out, "import", identity={"n": len(records)}) as stage:
        write_dataset(stage, records, [], n_in=len(records))
    return out


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write(
        tmp_path_factory.mktemp("eval") / "e", n=12, lazy=False, n_votes=6, settings={"rounds": 6}
    )


@pytest.fixture
def made(tmp_path: Path, evaluation: Path) -> Path:
    """Ten questions of the evaluation's twelve, and two that nobody was asked."""
    folder = dataset(tmp_path / "data", [_record(i) for i in (*range(10), 50, 51)])
    difficulty(folder, [evaluation], tmp_path / "out")
    return tmp_path / "out"


# --- rates -----------------------------------------------------------------------------------------


def test_a_pass_rate_with_its_interval_and_how_far_the_answers_agree() -> None:
    found = graded({IR: ["4", "4.0", "5", None], DR: ["7", "7", "7"]}, "4")
    ir, dr = sorted(found.rates, key=lambda r: r.role, reverse=True)
    assert (ir.n_draws, ir.n_right, ir.pass_rate, ir.agreement) == (4, 2, 0.5, 0.5)
    assert (dr.n_right, dr.agreement) == (0, 1.0)
    assert (found.n_draws, found.n_right, found.other, found.n_other) == (7, 2, "7", 3)
    assert ir.ci_low == pytest.approx(0.1466, abs=1e-4), "Beta(3, 3): 2.5 %"


def test_a_draw_that_cannot_be_graded_counts_nowhere() -> None:
    found = graded({IR: ["4", "4"]}, "")
    assert (found.rates, found.n_ungradable, found.n_draws) == ((), 2, 0)


def test_the_interval_is_that_of_the_posterior() -> None:
    low, high = beta_posterior(0, 8)
    assert low == pytest.approx(1 - 0.975 ** (1 / 9))
    assert high == pytest.approx(1 - 0.025 ** (1 / 9))
    assert beta_posterior(3, 10).low == pytest.approx(1 - beta_posterior(7, 10).high)
    with pytest.raises(ValueError, match="0 <= n_right <= n"):
        beta_posterior(9, 8)


def test_the_rates_of_other_judges_stay_and_those_of_the_same_are_replaced() -> None:
    [old] = graded({IR: ["4"]}, "4").rates
    [new] = graded({IR: ["5", "4"]}, "4").rates
    [other] = graded({DR: ["4"]}, "4").rates
    assert merged([old], [new]) == (new,)
    assert merged([old], [other]) == (other, old)
    assert merged(None, []) is None


def test_many_who_say_the_same_raise_more_doubt_than_few_and_than_many_who_do_not() -> None:
    assert doubt(8, 8) > doubt(2, 2) > doubt(2, 8)


def test_which_judge_is_meant_must_be_said_where_there_are_two() -> None:
    [a] = graded({IR: ["4"]}, "4").rates
    b = a.model_copy(update={"judge_sha256": "c" * 64})
    assert rate_of((a,), "ir") is a
    assert rate_of((a, b), "ir", "cc") is b
    assert rate_of((a,), "dr") is None
    assert rate_of(None, "ir") is None
    with pytest.raises(ValueError, match="name one of them"):
        rate_of((a, b), "ir")


def test_the_ends_of_a_band_are_inside() -> None:
    [half] = graded({IR: ["4", "5"]}, "4").rates
    assert judged(half, (0.5, 0.9)) == judged(half, (0.1, 0.5)) == "inside"
    assert judged(half, (0.51, 1.0)) == "outside"
    assert judged(None, (0.0, 1.0)) == "unknown"


def test_a_judge_is_adapters_and_sampling() -> None:
    identity: dict[str, Any] = {
        "adapters_sha256": {"ir": "1", "kg": "2", "dr": "3"}, "temperature": 0.7, "top_p": 1.0, "rounds": 5,
    }  # fmt: skip
    ir = judge_of(identity, "ir", "sampled")
    assert judge_of({**identity, "rounds": 9}, "ir", "sampled") == ir, (
        "draws by number are the same ones"
    )
    assert judge_of({**identity, "temperature": 1.0}, "ir", "sampled") != ir
    other_kg = {**identity, "adapters_sha256": {"ir": "1", "kg": "4", "dr": "3"}}
    assert judge_of(other_kg, "ir", "sampled") == ir
    assert judge_of(other_kg, "dr", "sampled") != judge_of(identity, "dr", "sampled")


# --- the stage -------------------------------------------------------------------------------------


def test_rows_get_the_rates_of_every_role_and_none_is_lost(made: Path) -> None:
    rows = read_records(made)
    assert len(rows) == 12
    assert [r.difficulty is None for r in rows] == [False] * 10 + [True] * 2
    for r in rows[:10]:
        assert [d.role for d in r.difficulty or ()] == ["dr", "ir"]
        assert {d.n_draws for d in r.difficulty or ()} == {6}


def test_what_was_not_asked_and_what_is_not_in_the_table_is_said(
    tmp_path: Path, evaluation: Path
) -> None:
    folder = dataset(tmp_path / "data", [_record(i) for i in (*range(10), 50)])
    said = "\n".join(described(difficulty(folder, [evaluation], tmp_path / "out")))
    assert "1 row without a gradable draw: kept" in said
    assert "24 draws about 2 questions that this dataset does not hold" in said
    assert "ir: 10 rows, 6 draws each" in said


def test_a_program_answers_what_it_gave_and_not_what_its_text_says(tmp_path: Path) -> None:
    lines = [
        {"role": "cg", "text": "answer = 3\nThe answer is: 9", "executed": {"status": "ok", "answer": "3"}},
        {"role": "cg", "text": "The answer is: 9", "executed": {"status": "raised"}},
        {"role": "ir", "text": "The answer is: 9"},
    ]  # fmt: skip
    rest = {"problem_id": "p", "condition": "sampled", "seed": 0, "finish_reason": "stop"}
    bodies = [json.dumps({**rest, **line, "round": i}) for i, line in enumerate(lines, 1)]
    (tmp_path / "draws.jsonl").write_bytes(b"".join(line_of(b.encode()) for b in bodies))
    asked = gather([Opened(tmp_path, "0" * 64, {})], {"p"})
    assert {j.role: said for j, said in asked.by_problem["p"].items()} == {
        "cg": ["3", None], "ir": ["9"],
    }  # fmt: skip


def test_the_same_draws_in_two_evaluations_count_once(tmp_path: Path, evaluation: Path) -> None:
    again = _write(tmp_path / "again", n=12, lazy=False, n_votes=6, settings={"rounds": 5})
    folder = dataset(tmp_path / "data", [_record(i) for i in range(10)])
    manifest = difficulty(folder, [again, evaluation, evaluation], tmp_path / "out")
    assert {j["most_draws"] for j in manifest.figures["judges"]} == {6}
    assert manifest.figures["n_draws_twice"] > 0


def test_the_same_inputs_give_the_same_bytes_in_whatever_order(
    tmp_path: Path, evaluation: Path
) -> None:
    more = _write(tmp_path / "more", n=12, settings={"seed": 3, "temperature": 0.5})
    folder = dataset(tmp_path / "data", [_record(i) for i in range(10)])
    for out, of in (("a", [evaluation, more]), ("b", [more, evaluation])):
        difficulty(folder, of, tmp_path / out)
    for path in (tmp_path / "a").iterdir():
        if not path.name.startswith("."):
            assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_run_again_it_does_nothing(made: Path, tmp_path: Path, evaluation: Path) -> None:
    before = (made / "records.parquet").stat().st_mtime_ns
    difficulty(tmp_path / "data", [evaluation], made)
    assert (made / "records.parquet").stat().st_mtime_ns == before


def test_draws_that_changed_since_are_refused(tmp_path: Path, evaluation: Path) -> None:
    own = _write(tmp_path / "own", n=4)
    path = own / "draws.jsonl"
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[1:]))
    folder = dataset(tmp_path / "data", [_record(i) for i in range(4)])
    with pytest.raises(InputError, match=r"not the .* that were made"):
        difficulty(folder, [own], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_evaluation_is_refused_with_what_to_name(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "data", [_record(0)])
    with pytest.raises(InputError, match="name one of lorid-train evaluate"):
        difficulty(folder, [folder], tmp_path / "out")


def test_draws_about_other_questions_alone_are_refused(tmp_path: Path, evaluation: Path) -> None:
    folder = dataset(tmp_path / "data", [_record(70)])
    with pytest.raises(InputError, match="none of its questions has a sampled draw"):
        difficulty(folder, [evaluation], tmp_path / "out")


def test_a_wrong_reference_comes_first_among_those_never_solved(
    tmp_path: Path, evaluation: Path
) -> None:
    records = [_record(i) for i in range(10)]
    wrong = records[3].model_copy(update={"answer": "-1"})
    folder = dataset(tmp_path / "data", [*records[:3], wrong, *records[4:]])
    manifest = difficulty(folder, [evaluation], tmp_path / "out")
    found = read_rows(tmp_path / "out" / "never_solved.parquet", NeverSolved)
    assert wrong.row_id in {f.row_id for f in found}
    assert [f.doubt for f in found] == sorted((f.doubt for f in found), reverse=True)
    of_wrong = next(f for f in found if f.row_id == wrong.row_id)
    assert of_wrong.other_answer == records[3].answer
    assert manifest.figures["n_never_solved"] == len(found)
    assert wrong.row_id[:12] in (tmp_path / "out" / "difficulty.html").read_text(encoding="utf-8")


def test_those_who_agree_on_something_else_come_before_those_who_do_not() -> None:
    rows = [_record(i) for i in range(4)]
    apart = graded({IR: ["91", "92", "93", "94"]}, "4")
    alike = graded({IR: ["91", "91", "91", "91"]}, "4")
    solved = graded({IR: ["4", "91", "91", "91"]}, "4")
    nobody = graded({}, "4")
    found = never_solved(zip(rows, [apart, alike, solved, nobody], strict=True))
    assert [(f.rank, f.row_id) for f in found] == [(1, rows[1].row_id), (2, rows[0].row_id)]
    assert (found[0].other_answer, found[0].n_other, found[0].n_draws) == ("91", 4, 4)


def test_the_page_escapes_what_a_dataset_or_a_model_wrote() -> None:
    text = "<script>alert(1)</script>\u202e"
    row = NeverSolved(
        rank=1, row_id="a" * 64, problem_id="b" * 64, question=text, answer=text, n_draws=8,
        other_answer=text, n_other=7, doubt=0.5,
    )  # fmt: skip
    html = render({"judges": [], "n_measured": 1, "n_unmeasured": 0, "n_never_solved": 1}, [row])
    assert "<script>alert(1)" not in html
    assert html.count("&lt;script&gt;alert(1)") == 3
    assert "\u202e" not in html


# --- what later steps make of the column ------------------------------------------------------------


def test_the_column_passes_through_later_stages(made: Path, tmp_path: Path) -> None:
    from lorid_data.split.stage import SplitOptions, split

    with open_stage(tmp_path / "one", "import", identity={"one": 1}) as stage:
        rows = [r.model_copy(update={"split": "train"}) for r in read_records(made)]
        write_dataset(stage, rows, [], n_in=len(rows))
    split(tmp_path / "one", tmp_path / "parted", SplitOptions(test=0.3))
    assert [r.difficulty for r in read_records(tmp_path / "parted")] == [r.difficulty for r in rows]


def test_it_is_published_and_loads_back(made: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    from lorid_data.publish.chain import find_chain
    from lorid_data.publish.contents import stage_dataset
    from lorid_data.publish.verify import differences

    (tmp_path / "hub").mkdir()
    facts = stage_dataset(find_chain(made, (tmp_path / "data",)), tmp_path / "hub")
    assert facts.statistics.difficulty == {"dr": 10, "ir": 10}
    files = str(tmp_path / "hub" / "default" / "*.parquet")
    loaded = load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))["train"]
    row = next(r for r in loaded if r["difficulty"] is not None)
    assert PassRate.model_validate(row["difficulty"][0]).n_draws == 6
    assert sum(r["difficulty"] is None for r in loaded) == 2
    (tmp_path / "hub" / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: test\n    path: default/test-*.parquet\n---\n"
    )
    only = facts.model_copy(update={"configs": {"default": facts.configs["default"]}})
    assert differences(str(tmp_path / "hub"), None, only) == []


def test_a_page_shows_it(made: Path) -> None:
    from lorid_data.view.data import _about
    from lorid_data.view.rows import Shown

    r = read_records(made)[0]
    said = dict(_about(Shown(r.row_id, r, None, ())))
    assert "of 6 draws" in said["solved by ir"]


def test_a_folder_of_an_earlier_release_has_an_empty_column(tmp_path: Path) -> None:
    path = tmp_path / "old.parquet"
    folder = dataset(tmp_path / "data", [_record(0)])
    pl.read_parquet(folder / "records.parquet").drop("difficulty").write_parquet(path)
    assert read_rows(path, Record)[0].difficulty is None


def test_the_command_says_it_as_json(
    tmp_path: Path, evaluation: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lorid_data.cli.app import main

    folder = dataset(tmp_path / "data", [_record(i) for i in range(10)])
    arguments = [
        "--json",
        "difficulty",
        str(folder),
        "--from",
        str(evaluation),
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(arguments) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["figures"]["n_measured"] == 10
