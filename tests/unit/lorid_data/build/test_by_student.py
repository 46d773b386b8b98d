"""The choice of a list by what a student makes of it: shrunk, honest about itself, one student only."""

from __future__ import annotations

import json
import random
import runpy
from pathlib import Path

import pytest

from lorid_data.build.by_student import Given, best_by_student, prior
from lorid_data.build.candidates import Candidate
from lorid_data.build.choose import ChooseOptions, choose, described
from lorid_data.build.stage import BuildOptions, build
from lorid_data.build.student_worth import compared
from lorid_data.build.tally import Tally
from lorid_data.cli.app import main
from lorid_data.errors import InputError
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Record

_write = runpy.run_path(str(Path(__file__).parents[3] / "support" / "given_lists.py"))["write"]
N = 12
GOOD, BAD = (
    "To share equally, divide by the number of shares.",
    "A week has seven days in every month.",
)


def draws(n_right: int, n: int) -> dict[int, bool]:
    return {i: i < n_right for i in range(n)}


# --- pure ------------------------------------------------------------------------------------------


def test_the_weight_of_a_teacher_s_mean_is_that_of_the_spread_of_its_lists() -> None:
    rng = random.Random(0)
    counts = []
    for _ in range(3000):
        p = rng.betavariate(3, 2)  # a mean of 0.6 that counts for five draws
        counts.append((sum(rng.random() < p for _ in range(8)), 8))
    found = prior(counts)
    assert found.mean == pytest.approx(0.6, abs=0.02)
    assert found.weight == pytest.approx(5, rel=0.15)


def test_lists_that_differ_by_chance_alone_are_all_their_teacher_s_mean() -> None:
    rng = random.Random(1)
    found = prior([(sum(rng.random() < 0.5 for _ in range(8)), 8) for _ in range(2000)])
    assert found.weight > 100
    assert prior([(8, 8), (0, 8)] * 50).weight == 0.5, "all or nothing: a list speaks for itself"
    assert prior([]).n_draws == 0


def test_few_draws_are_drawn_towards_the_teacher() -> None:
    """One lucky draw of a poor teacher's list does not beat a good teacher's."""
    poor, good = 0, 1
    of = [prior([(2, 8), (1, 8), (4, 8)]), prior([(7, 8), (8, 8), (6, 8)])]
    assert best_by_student([Given(poor, True, 1, 1), Given(good, True, 3, 4)], of) == 1
    assert best_by_student([Given(poor, True, 40, 40), Given(good, True, 0, 40)], of) == 0
    undrawn = [Given(poor, True, 0, 0), Given(good, True, 0, 0)]
    assert best_by_student(undrawn, of) == 1, "without draws the teacher's mean decides"
    assert best_by_student([Given(poor, False, 1, 1)], of) is None


def test_of_equal_lists_the_audit_s_choice_is_taken_else_the_earlier() -> None:
    pair = [Given(0, True, 4, 8), Given(0, True, 4, 8)]
    of = [prior([(4, 8), (5, 8)])]
    assert best_by_student(pair, of) == 0
    assert best_by_student(pair, of, first=1) == 1


def tally_of(rows: list[list[dict[int, bool]]]) -> Tally:
    """Lists of the teachers a and b, of which the audit takes the first."""
    tally = Tally()
    for i, right in enumerate(rows):
        teachers = [("scripted", name) for name in "ab"]
        tally.add(teachers, [0, 1], right, audited=0, original_id=str(i))
    return tally


def _choice_by_luck(n: int, n_draws: int, p: tuple[float, float]) -> tuple[float, float, float]:
    rng = random.Random(2)
    found = compared(
        tally_of([[{k: rng.random() < p[i] for k in range(n_draws)} for i in (0, 1)] for _ in range(n)])
    )  # fmt: skip
    assert found is not None
    return found.student - found.audit, found.low, found.high


def test_lists_that_are_equally_good_are_not_shown_to_be_chosen_well() -> None:
    """The draws that chose the luckier list say so; those that did not choose do not."""
    difference, low, high = _choice_by_luck(400, 4, (0.5, 0.5))
    assert abs(difference) < 0.06
    assert low < 0 < high


def test_a_better_teacher_is_shown_to_be_better() -> None:
    difference, low, _ = _choice_by_luck(400, 4, (0.4, 0.8))
    assert difference == pytest.approx(0.4, abs=0.06)
    assert low > 0.3


def test_one_draw_a_list_can_choose_and_cannot_be_compared() -> None:
    assert compared(tally_of([[draws(1, 1), draws(0, 1)]])) is None


# --- the stage -------------------------------------------------------------------------------------


@pytest.fixture
def panel(tmp_path: Path) -> Path:
    """A build of two teachers; the first writes nonsense for odd rows, the second for even ones."""
    lines = {name: [] for name in "ab"}
    for i in range(N):
        for name, spoilt in (("a", 1), ("b", 0)):
            rules = [BAD if i % 2 == spoilt else GOOD]
            lines[name].append(json.dumps({"output": rules}))
    for name, of in lines.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(of))
    teachers = tuple(f"scripted:{tmp_path / name}.jsonl" for name in "ab")
    build(BuildOptions(source="arithmetic", teacher=teachers, limit=N), tmp_path / "both")
    return tmp_path / "both"


def judged(panel: Path, tmp_path: Path, **more: object) -> list[Path]:
    """A DR that is right with the good rule alone, given each teacher's lists."""
    folders = []
    for number in (1, 2):
        lists = tmp_path / f"lists-{number}"
        choose(panel, lists, ChooseOptions(by="number", number=number))
        rows = read_records(lists)
        answers = {r.problem_id: [r.answer if r.knowledge == (GOOD,) else "-1"] * 4 for r in rows}
        folders.append(_write(tmp_path / f"eval-{number}", rows, answers, **more))
    return folders


def by_student(panel: Path, out: Path, folders: list[Path]) -> list[Record]:
    choose(panel, out, ChooseOptions(by="student", evaluations=tuple(folders)))
    return read_records(out)


def test_one_teacher_s_lists_make_a_dataset(panel: Path, tmp_path: Path) -> None:
    choose(panel, tmp_path / "second", ChooseOptions(by="number", number=2))
    rows = read_records(tmp_path / "second")
    assert [r.knowledge[0] for r in rows] == [BAD, GOOD] * (N // 2)
    assert len({r.provenance.model_asked for r in rows}) == 1


def test_a_reply_that_cannot_be_used_is_no_row_of_its_teacher_s(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        "\n".join([json.dumps({"text": "no"}), json.dumps({"output": [GOOD]})])
    )
    (tmp_path / "b.jsonl").write_text("\n".join([json.dumps({"output": [GOOD]})] * 2))
    teachers = tuple(f"scripted:{tmp_path / name}.jsonl" for name in "ab")
    build(BuildOptions(source="arithmetic", teacher=teachers, limit=2), tmp_path / "both")
    for number, kept in ((1, 1), (2, 2), (3, 0)):
        out = tmp_path / str(number)
        manifest = choose(tmp_path / "both", out, ChooseOptions(by="number", number=number))
        assert (manifest.n_kept, sum(manifest.n_rejected.values())) == (kept, 2 - kept)


def test_the_lists_with_which_the_student_is_right_are_taken(panel: Path, tmp_path: Path) -> None:
    rows = by_student(panel, tmp_path / "out", judged(panel, tmp_path))
    assert {r.knowledge for r in rows} == {(GOOD,)}
    assert len(rows) == N
    table = read_rows(tmp_path / "out" / "candidates.parquet", Candidate)
    assert sum(c.chosen == "yes" for c in table) == N
    assert any("student: right in 4 of 4 draws" in f for c in table for f in c.findings)


def test_what_it_is_worth_against_the_audit_is_said(panel: Path, tmp_path: Path) -> None:
    folders = judged(panel, tmp_path)
    options = ChooseOptions(by="student", evaluations=tuple(folders))
    said = "\n".join(described(choose(panel, tmp_path / "out", options)))
    assert "the student's choice beats the audit's: +50.0 points" in said
    assert f"on the same {N} rows" in said
    assert "right in 50.0% of 48 draws with 12 lists" in said
    assert f"{N // 2} rows with another list" in said


def test_the_order_of_the_evaluations_changes_nothing(panel: Path, tmp_path: Path) -> None:
    folders = judged(panel, tmp_path)
    by_student(panel, tmp_path / "one", folders)
    by_student(panel, tmp_path / "two", folders[::-1])
    for path in (tmp_path / "one").iterdir():
        if not path.name.startswith("."):
            assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    assert choose(panel, tmp_path / "one", ChooseOptions(by="student", evaluations=tuple(folders)))


def test_a_draw_that_two_evaluations_hold_counts_once_and_the_first_counts(
    panel: Path, tmp_path: Path
) -> None:
    folders = judged(panel, tmp_path)
    rows = read_records(tmp_path / "lists-1")
    again = _write(tmp_path / "again", rows, {r.problem_id: ["-1"] * 5 for r in rows})
    out = tmp_path / "out"
    manifest = choose(panel, out, ChooseOptions(by="student", evaluations=(*folders, again)))
    first, second = manifest.figures["by_teacher"].values()
    n = {first["n_draws"], second["n_draws"]}
    assert n == {4 * N, 5 * N}, "a fifth draw of each list of the first teacher is new"
    options = (manifest_sha256(folders[0]), manifest_sha256(again))
    means = {round(first["mean"], 4), round(second["mean"], 4)}
    assert means == {0.5, 0.4 if options[0] < options[1] else 0.0}


def test_a_student_that_was_taught_these_questions_is_named(panel: Path, tmp_path: Path) -> None:
    options = ChooseOptions(by="student", evaluations=tuple(judged(panel, tmp_path, trained=5)))
    said = "\n".join(described(choose(panel, tmp_path / "out", options)))
    assert "was trained on questions that it judges (5 of those of the evaluation" in said


def test_two_students_are_refused(panel: Path, tmp_path: Path) -> None:
    one = judged(panel, tmp_path)[0]
    rows = read_records(tmp_path / "lists-2")
    answers = {r.problem_id: ["1"] for r in rows}
    other = _write(tmp_path / "other", rows, answers, dr="e" * 64)
    with pytest.raises(InputError, match="compared by one student only"):
        by_student(panel, tmp_path / "out", [one, other])
    assert not (tmp_path / "out").exists()


def test_each_half_may_have_a_student_that_learnt_the_other(panel: Path, tmp_path: Path) -> None:
    judged(panel, tmp_path)
    folders = []
    for number in (1, 2):
        rows = read_records(tmp_path / f"lists-{number}")
        for k, dr in ((0, "d" * 64), (1, "e" * 64)):
            some = [r for i, r in enumerate(rows) if (i < N // 2) == (k == 0)]
            told = {r.problem_id: r.answer if r.knowledge == (GOOD,) else "-1" for r in some}
            answers = {p: [a, a] for p, a in told.items()}
            folders.append(_write(tmp_path / f"half-{number}-{k}", some, answers, dr=dr))
    assert {r.knowledge for r in by_student(panel, tmp_path / "out", folders)} == {(GOOD,)}


def test_without_draws_on_these_lists_it_is_said_how_to_make_them(
    panel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_records(panel)
    greedy = _write(tmp_path / "g", rows, {rows[0].problem_id: ["1"]}, condition="gold-knowledge")
    with pytest.raises(InputError, match="no sampled draws of DR on the dataset's own knowledge"):
        by_student(panel, tmp_path / "out", [greedy])
    other = [r.model_copy(update={"knowledge": ("Something else.",)}) for r in rows]
    elsewhere = _write(tmp_path / "e", other, {rows[0].problem_id: ["1"]})
    with pytest.raises(InputError, match="none of these lists was given to the student"):
        by_student(panel, tmp_path / "out", [elsewhere])
    assert main(["choose", str(panel), "--by", "student", "--out", str(tmp_path / "out")]) == 2
    assert "name them by --from" in capsys.readouterr().err


def test_a_card_says_the_command_again(panel: Path, tmp_path: Path) -> None:
    from lorid_data.publish.card_fields import CardFields
    from lorid_data.publish.chain import find_chain
    from lorid_data.publish.rebuild import commands

    by_student(panel, tmp_path / "out", judged(panel, tmp_path))
    made = commands(
        find_chain(tmp_path / "out", (panel,)), [], CardFields(), repo_id="a/b", tag="t"
    )
    assert "lorid-data choose 00-build --by student --from EVAL-" in made
