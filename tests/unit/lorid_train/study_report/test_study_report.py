"""A whole study from folders: known truths come out, and what is said is what was measured."""

from __future__ import annotations

import json
import re
import runpy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.pages.page import table_scripts
from lorid_data.schema import Record
from lorid_train.interaction.draws import Draw
from lorid_train.interaction.rules import answer_of, decide
from lorid_train.metrics.grading import gold_of, grade
from lorid_train.metrics.significance import holm
from lorid_train.report.reading import DrawFile
from lorid_train.report.words import interval, points, share
from lorid_train.study_report import Cell, sentences, write_study
from lorid_train.study_report.claims import CLAIMS
from lorid_train.study_report.page import render_html, render_markdown
from lorid_train.study_report.problems import Asked, Votes, asked, pairings
from lorid_train.study_report.reading import read_cell
from lorid_train.study_report.replay import play_at
from lorid_train.study_report.verdicts import Success, Verdict, verdict
from lorid_train.study_report.view import StudyView, view_of

simulated = runpy.run_path(str(Path(__file__).parents[3] / "support" / "simulated_study.py"))
write_cell, FREQUENCIES, TRUTH = (
    simulated[name] for name in ("write_cell", "FREQUENCIES", "TRUTH")
)
HOSTILE = "</script><script>pwned()</script>|`<b>\u202e"
N_WRONG = 6


def view(cells: Sequence[Cell], **settings: Any) -> StudyView:
    drawn = [read_cell(c, "subject") for c in cells]
    return view_of(drawn, group_by="subject", settings=settings)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    """Two worlds with two seeds each; problems do not differ beyond their truth."""
    out = tmp_path_factory.mktemp("cells")
    return [
        write_cell(out, world=f"world {w}", seed=s, n_groups=10, spread=0, n_wrong=N_WRONG)
        for w in (0, 1)
        for s in (0, 1)
    ]


@pytest.fixture(scope="module")
def study(cells: list[Cell]) -> StudyView:
    return view(cells, source="concepts")


def edited(cell: Cell, folder: Path, keep: Any) -> Cell:
    """The cell with only those test draws that `keep` wants."""
    test = folder / "test"
    test.mkdir(parents=True)
    (test / RECORDS).write_bytes((cell.test / RECORDS).read_bytes())
    lines = (cell.test / "draws.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if keep(Draw.model_validate_json(line))]
    (test / "draws.jsonl").write_text("".join(kept), encoding="utf-8")
    return replace(cell, test=test)


# --- known truths ------------------------------------------------------------------------------


def test_accuracies_come_out_within_their_intervals(study: StudyView) -> None:
    roles = {
        "ir-greedy": "ir", "ir-sampled": "ir", "dr-kg-knowledge": "dr", "dr-sampled": "dr", "ks-greedy": "ks",
        "ird-greedy": "ird", "dr-gold-knowledge": "gold", "dr-other-knowledge": "other",
    }  # fmt: skip
    misses = []
    for system, role in roles.items():
        for f, truth in zip(FREQUENCIES, TRUTH[role], strict=True):
            m = study.get(system, "accuracy", f"frequency={f}")
            assert m is not None
            assert m.n == 80
            assert m.ci_low is not None
            assert m.ci_high is not None
            if not m.ci_low <= truth <= m.ci_high:
                misses.append((system, f))
    assert len(misses) <= 6, misses  # of 48, one in twenty by definition


def loop_truth(p_ir: float, p_dr: float, t: int) -> tuple[float, float, float]:
    """Coverage, right by agreement, and accuracy with DR as fallback, by probability alone."""
    wrong_ir, wrong_dr = (1 - p_ir) * 0.97, (1 - p_dr) * 0.97
    right = p_ir * p_dr
    agree = right + wrong_ir * wrong_dr / N_WRONG
    cover = 1 - (1 - agree) ** t
    by_agreement = right / agree * cover
    # DR's last answer is right although IR did not say the same; it is rarely missing.
    last = p_dr * (1 - p_ir) / (1 - agree)
    return cover, by_agreement, by_agreement + (1 - cover) * last


@pytest.mark.parametrize("t", [1, 3, 20])
def test_the_loop_comes_out_as_probability_has_it(study: StudyView, t: int) -> None:
    for f, p_ir, p_dr in zip(FREQUENCIES, TRUTH["ir"], TRUTH["dr"], strict=True):
        cover, right, accuracy = loop_truth(p_ir, p_dr, t)
        part = f"frequency={f}"
        coverage = study.numbers[f"lorid@{t}", "coverage", part]
        precision = study.numbers[f"lorid@{t}", "consensus_precision", part]
        assert coverage.value == pytest.approx(cover, abs=0.02)
        assert precision.value == pytest.approx(right / cover, abs=0.03)
        found = study.numbers[f"lorid-dr@{t}", "accuracy", part]
        assert found.value == pytest.approx(accuracy, abs=0.03)


def test_differences_are_paired_and_seen_means_at_least_one_example(study: StudyView) -> None:
    d = study.versus("dr-kg-knowledge", "ir-greedy", "difference", "seen")
    first, second = (study.get(s, "accuracy", "seen") for s in ("dr-kg-knowledge", "ir-greedy"))
    assert d is not None
    assert first is not None
    assert second is not None
    assert d.n == first.n == 400
    assert d.value == pytest.approx((first.value or 0) - (second.value or 0))
    truth = sum(b - a for a, b in zip(TRUTH["ir"][1:], TRUTH["dr"][1:], strict=True)) / 5
    assert (d.ci_low or 0) <= truth <= (d.ci_high or 0)


def test_bases_share_the_clusters_of_their_world(study: StudyView) -> None:
    assert study.n_groups == 2 * 60
    assert study.n_problems == 4 * 120
    m = study.numbers["ir-greedy", "accuracy", None]
    assert m.method == "cluster-bootstrap, 120 groups"
    of_cell = study.numbers["ir-greedy", "accuracy", "cell=world 0, base 0"]
    assert of_cell.method == "cluster-bootstrap, 60 groups"


def test_ps_are_adjusted_over_their_whole_family(study: StudyView) -> None:
    families: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for m in study.metrics:
        if m.metric == "p_holm":
            p = study.numbers[m.system, "p", m.slice or ""].value
            claim = (m.system, (m.slice or "").partition(",")[0])
            key = (m.method, *claim * m.method.endswith("of one claim"))
            families.setdefault(key, []).append((p, m.value))
    assert len(families) > 2
    for (method, *_), members in families.items():
        ps, adjusted = zip(*members, strict=True)
        assert method.startswith(f"holm over {len(ps)}: ")
        assert adjusted == pytest.approx(holm(ps))
    assert any(a > p for members in families.values() for p, a in members)


def test_the_areas_are_resampled_by_group(study: StudyView) -> None:
    found = [m for m in study.metrics if m.metric in ("area", "area_difference")]
    assert len(found) == 7
    assert {m.method for m in found} == {f"cluster-bootstrap, {study.n_groups} groups"}


def test_majorities_cost_what_the_loop_costs(study: StudyView) -> None:
    loop = study.get("lorid-dr@T", "tokens_per_problem", "seen")
    assert loop is not None
    assert study.get("lorid-ir@T", "tokens_per_problem", "seen").value == loop.value  # type: ignore[union-attr]
    for pool, one in (("ir", 23.0), ("dr", 38.0), ("both", 61.0)):
        spent = study.get(f"maj-{pool}@K", "tokens_per_problem", "seen")
        assert spent is not None
        assert spent.value is not None
        assert loop.value is not None
        assert abs(spent.value - loop.value) <= one / 2 + 1
        assert re.fullmatch(rf"maj-{pool}@\d+", study.names[f"maj-{pool}@K"])


def chances(p: float) -> dict[int | None, float]:
    """What a simulated draw says: 0 is right, 1 to 6 are wrong, None is no answer."""
    wrong = (1 - p) * 0.97 / N_WRONG
    return {0: p, None: (1 - p) * 0.03, **dict.fromkeys(range(1, N_WRONG + 1), wrong)}


def routed(p_dr: float, p_third: float) -> tuple[float, float]:
    """How often the router is right and asks a third time, by going through everything."""
    right = asks = 0.0
    dr, third = chances(p_dr), chances(p_third)
    for (a, pa), (b, pb), (c, pc) in product(dr.items(), dr.items(), third.items()):
        votes = [v for v in (a, b, c) if v is not None]
        agreed = a is not None and a == b
        said = a if agreed else Counter(votes).most_common(1)[0][0] if votes else None
        right += pa * pb * pc * (said == 0)
        asks += pa * pb * pc * (not agreed)
    return right, asks


def test_the_router_comes_out_as_probability_has_it(study: StudyView) -> None:
    for f, p_ir, p_dr in zip(FREQUENCIES, TRUTH["ir"], TRUTH["dr"], strict=True):
        for system, p_third, one in (("router", p_ir, 23.0), ("router-dr", p_dr, 38.0)):
            right, asks = routed(p_dr, p_third)
            accuracy, spent = (
                study.numbers[system, m, f"frequency={f}"].value
                for m in ("accuracy", "tokens_per_problem")
            )
            assert accuracy == pytest.approx(right, abs=0.03)
            assert spent == pytest.approx(2 * 38 + asks * one, abs=3)


def test_whoever_answers_everything_is_as_accurate_as_his_system(study: StudyView) -> None:
    pairs = {
        "loop-round": "lorid-dr@T", "ir-share": "maj-ir@K", "dr-share": "maj-dr@K", "both-share": "maj-both@K",
    }  # fmt: skip
    for confidence, system in pairs.items():
        whole = study.numbers[confidence, "accuracy", "coverage=1.00"]
        alone = study.get(system, "accuracy", None)
        assert alone is not None
        assert whole.value == pytest.approx(alone.value)
        few = study.numbers[confidence, "accuracy", "coverage=0.50"].value
        assert few is not None
        assert alone.value is not None
        assert few > alone.value
        assert 0.5 < (study.numbers[confidence, "unseen_below_seen", None].value or 0) < 1


def test_what_is_true_is_supported_and_what_is_not_is_not(study: StudyView) -> None:
    found = {(c.first, c.second): verdict(study, c) for c in CLAIMS}
    assert found["dr-kg-knowledge", "ir-greedy"] == Verdict.SUPPORTED
    assert found["ird-greedy", "ir-greedy"] == Verdict.SUPPORTED
    assert found["dr-gold-knowledge", "dr-other-knowledge"] == Verdict.SUPPORTED
    assert found["dr-kg-knowledge", "ks-greedy"] == Verdict.NOT_DECIDED
    [first, *_] = sentences.headline(study)
    assert first.startswith("Stating the knowledge first (KG, then DR) beats answering at once")


def test_the_loops_rule_is_the_projects_own(cells: list[Cell]) -> None:
    """On the stored order, `play_at` answers as `decide` does on the draws."""
    draws = DrawFile(cells[0].test / "draws.jsonl")
    n_agreed = 0
    for r in read_rows(cells[0].test / RECORDS, Record)[:60]:
        of = draws(r.problem_id)
        [g] = grade(
            gold_of(r), of,
            decide=lambda d, t: decide(d, rule="same_round", rounds=t, fallback="dr"),
            rounds=20, extract=answer_of,
        )  # fmt: skip
        p = asked(r.problem_id, "g", 1, g)
        first = Votes(p.ir.clusters[:20], p.ir.n_tokens[:20])
        played = play_at(first, p.dr, tuple(range(1, 21)), "dr")
        for t, (d, v) in enumerate(zip(g.decisions, g.verdicts, strict=True), 1):
            assert d is not None
            assert played[t].round == d.round
            assert played[t].agreed == (d.how == "consensus")
            assert (played[t].answer in p.right) == (v == "correct")
            assert played[t].n_tokens == g.n_loop_tokens(d.round)
            n_agreed += played[t].agreed
    assert n_agreed > 100


def test_a_pairing_is_an_order_of_the_draws_and_the_same_every_time() -> None:
    one = Asked(
        "p", "g", 1, {}, Votes((0, 1, 2, 3), (5, 6, 7, 8)), Votes((4, 5), (9, 9)), frozenset()
    )
    made = pairings(one, 3, 2)
    assert made == pairings(one, 3, 2)
    assert len(made) == 20
    assert all(sorted(p.ir.clusters) == [0, 1, 2] for p in made)  # type: ignore[type-var]
    assert all(p.ir.n_tokens == tuple(5 + (c or 0) for c in p.ir.clusters) for p in made)
    assert len({p.ir.clusters for p in made}) > 3
    other = pairings(replace(one, problem_id="q"), 3, 2)
    assert other != made


# --- what is said is what was measured ---------------------------------------------------------


def figures(view: StudyView) -> set[str]:
    """Every number of the metrics as a text may write it."""
    said = set()
    for m in view.metrics:
        for v in (m.value, m.ci_low, m.ci_high):
            if v is not None:
                sign = "−" if round(v, 1) < 0 else "+" if round(v, 1) > 0 else "±"
                said |= {
                    f"{v * 100:.1f}", points(v), f"{v:,.0f}", f"{v:,.1f}", f"{sign}{abs(round(v, 1)):,.1f}",
                }  # fmt: skip
        said |= {share(m), *interval(m).split("–")}
    return said


def test_every_figure_of_the_text_is_in_the_metrics(study: StudyView) -> None:
    text = " ".join(
        [
            *sentences.headline(study),
            *(s for of in sentences.claims(study).values() for s in of),
            *sentences.decisions(study),
        ]
    )
    known = figures(study)
    found = re.findall(r"[+−±]\d[\d,]*\.\d|\d[\d,]*\.\d", text)
    assert len(found) > 100
    assert [f for f in found if f not in known] == []


def test_two_runs_write_the_same_bytes(small: list[Cell], tmp_path: Path) -> None:
    written: list[dict[str, bytes]] = []
    for name in ("one", "two"):
        out = tmp_path / name
        out.mkdir()
        write_study(small, out, group_by="subject", settings={"epochs": {"ir": 30}})
        written.append({p.name: p.read_bytes() for p in sorted(out.iterdir())})
    assert list(written[0]) == ["metrics.json", "report.html", "report.md"]
    assert written[0] == written[1]
    body = json.loads(written[0]["metrics.json"])
    assert body["schema"] == 1
    assert str(tmp_path).encode() not in b"".join(written[0].values())
    assert str(small[0].test.parent).encode() not in b"".join(written[0].values())
    assert b"epochs.ir" in written[0]["report.html"]


def test_the_page_and_the_markdown_say_the_same(study: StudyView) -> None:
    html, markdown = render_html(study), render_markdown(study)
    for said in (*sentences.headline(study), *sentences.decisions(study)):
        words = re.findall(r"[A-Za-z]{4,}", said)
        assert all(w in html and w in markdown for w in words)
    for heading in ("Supported", "Not supported: not decided"):
        assert heading in html
        assert heading in markdown
    assert html.count('<svg class="chart"') == 2 * 7  # for a desk and for a telephone
    assert html.count("<script") == len(table_scripts())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    """One cell of each of two worlds, 48 problems each."""
    out = tmp_path_factory.mktemp("small")
    return [write_cell(out, world=f"world {w}", n_groups=4) for w in (0, 1)]


# --- what is missing ---------------------------------------------------------------------------


def test_a_system_without_draws_is_left_out_with_its_reason(
    small: list[Cell], tmp_path: Path
) -> None:
    def keep(d: Draw) -> bool:
        return d.role != "ks" and not (d.role == "ir" and d.condition == "greedy")

    one = edited(small[0], tmp_path, keep)
    found = view([one])
    why = "its draw is missing for 48 of 48 problems"
    assert found.left_out["ks-greedy", one.name] == why
    assert "ks-greedy" not in found.names
    m = found.numbers["ks-greedy", "accuracy", f"cell={one.name}"]
    assert (m.value, m.n, m.method) == (None, 0, f"left out: {why}")
    lists = sentences.claims(found)
    assert "Two adapters (KG, DR) beat one that states the knowledge and then solves" in "".join(
        lists[Verdict.LEFT_OUT]
    )
    assert "could not be looked at on these draws" in sentences.headline(found)[0]
    assert why in render_html(found)
    assert why in render_markdown(found)


def test_a_cell_that_lacks_a_system_does_not_take_it_from_the_others(
    small: list[Cell], tmp_path: Path
) -> None:
    one = edited(small[0], tmp_path, lambda d: d.role != "ird" and d.condition != "sampled")
    found = view([one, small[1]])
    assert found.left_out["lorid-dr@20", one.name].startswith("0 sampled rounds of IR are stored")
    n = {s: found.get(s, "accuracy", None) for s in ("ir-greedy", "ird-greedy", "lorid-dr@T")}
    assert {s: m.n for s, m in n.items() if m} == {
        "ir-greedy": 96, "ird-greedy": 48, "lorid-dr@T": 48,
    }  # fmt: skip
    d = found.versus("ird-greedy", "ir-greedy", "difference", "")
    assert d is not None
    assert d.n == 48
    # … and its value is that of the other cell alone.
    first, second = (
        found.numbers[s, "accuracy", f"cell={small[1].name}"].value or 0
        for s in ("ird-greedy", "ir-greedy")
    )
    assert d.value == pytest.approx(first - second)


def test_fewer_rounds_are_used_and_said(small: list[Cell], tmp_path: Path) -> None:
    one = edited(small[0], tmp_path, lambda d: d.condition != "sampled" or d.round <= 4)
    found = view([one])
    assert found.rounds == 4
    assert list(found.thresholds) == [1, 3, 4]
    assert found.names["lorid-ir@T"] == "lorid-ir@4"
    assert found.names["early-stop-ir@T"] == "early-stop-ir@2"
    assert "at most 2 rounds of two draws" in found.notes["early-stop-ir@2"]


def test_a_majority_that_cannot_cost_as_much_is_capped_and_said(tmp_path: Path) -> None:
    unsure = dict.fromkeys(TRUTH, (0.1, 0.1))
    cell = write_cell(tmp_path, truth=unsure, frequencies=(0, 1), n_groups=4, n_ir=4, n_dr=4)
    found = view([cell])
    # The loop goes on to its fourth round, which costs about 230 tokens; four draws of IR cost 92.
    assert found.names["maj-ir@K"] == "maj-ir@4"
    assert re.search(r"about \d+ rounds would match it, 4 are stored", found.notes["maj-ir@4"])
    assert "4 are stored" in render_markdown(found)


def test_without_sampled_draws_the_greedy_systems_remain(small: list[Cell], tmp_path: Path) -> None:
    one = edited(small[0], tmp_path, lambda d: d.condition != "sampled")
    found = view([one])
    assert set(found.names) == {
        "ir-greedy", "ird-greedy", "ks-greedy", "dr-kg-knowledge", "dr-gold-knowledge", "dr-other-knowledge",
    }  # fmt: skip
    html = render_html(found)
    assert "The loop&#x27;s rounds are not stored for every problem." in html
    assert "(b) The stopping rule that weighs votes, against the loop" in html
    assert str(Success.LEFT_OUT) in html
    assert "They need the loop" in html


def test_two_rounds_are_too_few_for_the_router(small: list[Cell], tmp_path: Path) -> None:
    found = view([edited(small[0], tmp_path, lambda d: d.condition != "sampled" or d.round <= 2)])
    assert "2 draws of KG and DR are used, 3 are needed" in found.left_out["router", small[0].name]
    assert "stopping-rule" in found.names


def test_one_draw_is_too_few_for_ir_against_itself(small: list[Cell], tmp_path: Path) -> None:
    found = view([edited(small[0], tmp_path, lambda d: d.condition != "sampled" or d.round == 1)])
    assert found.left_out["early-stop-ir@0", small[0].name] == "two draws of IR are needed"
    assert found.names["lorid-ir@T"] == "lorid-ir@1"


@pytest.mark.parametrize("what", ["none", "greedy"])
def test_without_validation_draws_the_stopping_rule_is_left_out(
    small: list[Cell], tmp_path: Path, what: str
) -> None:
    one = replace(small[0], validation=None)
    if what == "greedy":
        only = edited(
            replace(small[0], test=small[0].validation),  # type: ignore[arg-type]
            tmp_path,
            lambda d: d.condition != "sampled",
        )
        one = replace(one, validation=only.test)
    found = view([one])
    assert "stopping-rule" not in found.names
    assert "validation" in found.left_out["stopping-rule", one.name]
    assert "router" in found.names
    [_, b, *_] = sentences.decisions(found)
    assert b.endswith("left out.")


def test_problems_without_any_draw_leave_the_cell_out(small: list[Cell], tmp_path: Path) -> None:
    one = edited(small[0], tmp_path, lambda _: False)
    found = view([one, small[1]])
    assert found.left_out["ir-greedy", one.name].startswith("its draw is missing for 48 of 48")
    m = found.get("ir-greedy", "accuracy", None)
    assert m is not None
    assert m.n == 48


def test_a_second_seed_is_not_mixed_in(small: list[Cell], tmp_path: Path) -> None:
    one = edited(small[0], tmp_path, lambda _: True)
    with (one.test / "draws.jsonl").open("a", encoding="utf-8") as f:
        for line in (small[0].test / "draws.jsonl").read_text(encoding="utf-8").splitlines():
            other = {"seed": 1, "text": "--> 1000 END"}
            d = Draw.model_validate_json(line).model_copy(update=other)
            f.write(d.model_dump_json() + "\n")
    found = view([one])
    assert found.n_seeds == 2
    assert "2 evaluation seeds are stored; the lowest is used" in render_html(found)
    first = view([small[0]])
    assert [m.value for m in found.metrics] == [m.value for m in first.metrics]


# --- what may be asked -------------------------------------------------------------------------


def test_everything_wrong_is_said_at_once(small: list[Cell], tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as e:
        write_study([small[0], small[0]], tmp_path, group_by="subjct", settings={})
    assert len(e.value.problems) == 2
    assert "stands twice" in e.value.problems[0]
    assert "did you mean 'subject'?" in e.value.problems[1]
    with pytest.raises(ConfigError, match="at least one cell"):
        write_study([], tmp_path, group_by="subject", settings={})
    with pytest.raises(ConfigError, match="knowledge"):
        write_study(small[:1], tmp_path, group_by="knowledge", settings={})
    with pytest.raises(InputError, match="no such file"):
        write_study([replace(small[0], test=tmp_path)], tmp_path, group_by="subject", settings={})
    assert list(tmp_path.iterdir()) == []


def test_an_evaluation_without_rows_is_refused(small: list[Cell], tmp_path: Path) -> None:
    write_rows(tmp_path / RECORDS, Record, [])
    with pytest.raises(InputError, match="nothing to report on"):
        read_cell(replace(small[0], validation=tmp_path), "subject")


def test_a_training_table_without_the_column_is_named(small: list[Cell], tmp_path: Path) -> None:
    import polars as pl

    pl.DataFrame({"question": ["a"]}).write_parquet(tmp_path / RECORDS)
    with pytest.raises(ConfigError, match="subject"):
        read_cell(replace(small[0], train=tmp_path), "subject")


def test_rows_without_a_group_are_one_group(small: list[Cell], tmp_path: Path) -> None:
    rows = read_rows(small[0].train / RECORDS, Record)
    write_rows(tmp_path / RECORDS, Record, [r.model_copy(update={"subject": None}) for r in rows])
    found = read_cell(replace(small[0], train=tmp_path), "level")
    assert {p.group for p in found.test} == {"(none)"}
    assert {p.frequency for p in found.test} == {len(rows)}


def test_a_table_with_many_frequencies_is_binned(tmp_path: Path) -> None:
    many = tuple(range(11))
    truth = {role: tuple(0.5 for _ in many) for role in TRUTH}
    cell = write_cell(tmp_path, truth=truth, frequencies=many, n_groups=1, n_ir=4, n_dr=4)
    found = view([cell])
    assert [b.label for b in found.bins] == ["0", "1", "2–3", "4–7", "8–15"]
    assert found.numbers["ir-greedy", "accuracy", "frequency=4-7"].n == 8
    said = sentences.headline(found)
    assert any(s.startswith("Only 11 groups: with fewer than 20") for s in said)


def test_where_every_group_is_seen_nothing_is_said_of_ignorance(tmp_path: Path) -> None:
    cell = write_cell(tmp_path, frequencies=(4, 8), n_groups=2, n_ir=4, n_dr=4)
    found = view([cell])
    said = " ".join(sentences.headline(found))
    assert "On seen groups IR and DR agree within 4 rounds" in said
    assert "unseen groups" not in said
    assert "ignorance" not in said
    assert "could not be looked at on these draws." in said  # nothing has one or two examples
    assert ("dr-share", "unseen_below_seen", None) not in found.numbers
    assert "On seen groups" in render_html(found)


# --- the other way round -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def upside_down(tmp_path_factory: pytest.TempPathFactory) -> StudyView:
    """A world in which knowledge harms and agreement is mostly right where nothing was trained."""
    truth: Mapping[str, Sequence[float]] = {
        **TRUTH, "ir": (0.9, 0.9, 0.9, 0.9, 0.9, 0.9), "dr": (0.9, 0.2, 0.2, 0.2, 0.2, 0.2),
        "gold": (0.1,) * 6, "other": (0.9,) * 6,
    }  # fmt: skip
    out = tmp_path_factory.mktemp("down")
    return view([write_cell(out, truth=truth, n_groups=10, spread=0)])


def test_contradictions_are_named_as_plainly(upside_down: StudyView) -> None:
    said = sentences.headline(upside_down)
    assert said[0].startswith("That stating the knowledge first (KG, then DR) beats")
    assert "is contradicted: −" in said[0]
    assert "contradicted where it falls back on IR, +" in said[2]
    assert any("That agreement does not notice ignorance is contradicted" in s for s in said)
    contradicted = " ".join(sentences.claims(upside_down)[Verdict.CONTRADICTED])
    assert "DR uses the knowledge that it reads: no, it is the other way round, −" in contradicted
    assert (
        "falls back on IR has no advantage over KG and DR alone: no, it has one, +" in contradicted
    )
    assert "Not supported: contradicted" in render_html(upside_down)
    [a, *_] = sentences.decisions(upside_down)
    assert "does not succeed" in a


def test_hostile_names_are_shown_and_do_nothing(tmp_path: Path) -> None:
    cell = write_cell(tmp_path, n_groups=1, n_ir=4, n_dr=4, frequencies=(0, 1))
    found = view([replace(cell, name=HOSTILE, world=HOSTILE, base=HOSTILE)], **{HOSTILE: HOSTILE})
    html, markdown = render_html(found), render_markdown(found)
    assert html.count("<script") == len(table_scripts()) == 2
    assert "&lt;script&gt;pwned()" in html
    assert "\u202e" not in html
    assert "\u202e" not in markdown
    assert "<script" not in re.sub(r"\\[<>]", "", markdown)


# --- no certainty from few, and none that was not announced ------------------------------------------


def test_only_an_announced_study_says_that_it_was(study: StudyView) -> None:
    """A table of one's own was compared as the program does, and nobody said so before."""
    announced = replace(study, is_registered=True)
    for render in (render_html, render_markdown):
        assert "written down before any number was seen" in render(announced)
        own = render(study).lower()
        for word in ("written down", "before any number", "planned", "registered", "beforehand"):
            assert word not in own
        assert "take what they say of this one as an" in own


def test_of_too_few_groups_there_is_no_verdict(tmp_path: Path) -> None:
    """Three seen groups, all alike: a bootstrap over them would call the difference certain."""
    truth = {**TRUTH, "ir": (0.0,) * 6, "dr": (1.0,) * 6}
    cell = write_cell(
        tmp_path, truth=truth, frequencies=(0, 1, 2, 4), n_groups=1, n_ir=4, n_dr=4, spread=0
    )
    found = view([cell])
    assert found.versus("dr-kg-knowledge", "ir-greedy", "p", "seen").value < 0.001  # type: ignore[union-attr]
    claims = sentences.claims(found)
    assert not claims[Verdict.SUPPORTED]
    assert not claims[Verdict.CONTRADICTED]
    assert not claims[Verdict.NOT_DECIDED]
    assert len(claims[Verdict.TOO_FEW]) > 8
    assert sentences.headline(found)[0].startswith("No verdict, of too few groups, on whether")
    markdown = render_markdown(found)
    assert "No verdict: too few groups" in markdown
    assert not re.search(r"[0-9]\\\* \\\[", markdown)  # no star behind a difference
    assert all("has no verdict" in s for s in sentences.decisions(found)[:3])
    for m in found.metrics:
        assert m.ci_low is None or m.ci_high is None or m.ci_low < m.ci_high, m


def test_a_loop_that_never_agrees_answers_by_its_fallback(tmp_path: Path) -> None:
    truth = dict.fromkeys(TRUTH, (0.0,) * 6)
    cell = write_cell(tmp_path, truth=truth, n_groups=2, n_ir=4, n_dr=4, spread=0, n_wrong=10**9)
    said = " ".join(sentences.headline(view([cell])))
    assert (
        "IR and DR never agree within 4 rounds: every answer of the loop there is the fallback's"
        in said
    )
