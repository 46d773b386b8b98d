"""What a report says, and does not say, of few questions, of unknown intervals and of a loop that never agrees."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_data.pages.table import Table
from lorid_train.metrics.rows import Metric
from lorid_train.report import compared, question_tables, tables
from lorid_train.report.comparing import compare_all, side_of
from lorid_train.report.findings import findings
from lorid_train.report.first_screen import lead
from lorid_train.report.headline import headline
from lorid_train.report.markdown import render_markdown
from lorid_train.report.page import render_html
from lorid_train.report.plots import wins
from lorid_train.report.view import EvaluationView, Replay, view_of
from lorid_train.report.words import interval, plain, points_interval, share
from lorid_train.report.writing import write_metrics

simulated = runpy.run_path(str(Path(__file__).parents[3] / "support" / "simulated_evaluation.py"))
VERDICTS = ("better", "worse", "within noise", "System 1", "System 2")


def view(name: str = "run", *, fallback: Any = "ir", **options: Any) -> EvaluationView:
    records, draws = simulated["simulate"](**{"rounds": 5, **options})
    return view_of(
        name, records, lambda pid: draws[pid], replay=Replay(rounds=5, fallback=fallback),
        settings={"base": "tiny"},
    )  # fmt: skip


def last(t: Table) -> set[str]:
    assert t.rows
    return {row[-1] for row in t.rows}


@pytest.mark.parametrize("options", [{"n": 5}, {"n": 5, "p_ir": 1.0, "p_dr": 0.0}])
def test_few_questions_have_no_verdict_and_no_colour(
    options: dict[str, Any], tmp_path: Path
) -> None:
    one = view(**options)
    assert last(tables.comparisons(one)) == {"–"}
    assert last(question_tables.wins(one)) == {"–"}
    assert last(tables.knowledge(one)) == {"–"}
    html = render_html([one])
    main = html[html.index("<main>") : html.index("</main>")]
    assert 'class="chip' not in main
    # System 1 and System 2 have the colours s1 and s3: a row without a verdict has neither.
    assert not re.search(r'class="(fill|open)[^"]* s[13]"', wins(one))
    assert lead(one).startswith("No verdict on the loop against ")
    said = " ".join(findings(one))
    assert "No verdict on " in said
    for word in ("It beats", "It is worse than", "It does not differ", "within noise"):
        assert word not in said
    write_metrics(one, tmp_path / "metrics.json")
    lines = [x for x in headline(tmp_path).splitlines() if " − " in x]
    assert lines
    assert all(x.endswith(": –") for x in lines)


def test_enough_questions_have_a_verdict_in_colour() -> None:
    one = view(n=80, p_ir=0.2, p_dr=0.8)
    assert last(tables.comparisons(one)) >= {"better"}
    assert "System 2" in last(question_tables.wins(one))
    assert re.search(r'class="fill[^"]* s3"', wins(one))
    assert '<span class="chip correct">better</span>' in render_html([one])
    assert lead(one).startswith("At equal cost the loop ")


def test_runs_that_share_few_questions_have_no_verdict() -> None:
    [c] = compare_all([side_of(view("a", n=60)), side_of(view("b", n=5, p_ir=0.0))])
    assert last(compared.systems(c)) == {"–"}
    assert compared.sentence(c).startswith("No verdict on a − b")
    text = render_markdown([view("a", n=60), view("b", n=5, p_ir=0.0)])
    table = text[text.index("**a (A) − b (B)") : text.index("**Right in")]
    assert not any(word in table for word in VERDICTS)


def test_means_over_few_questions_carry_their_number() -> None:
    def metric(n: int, **more: Any) -> Metric:
        return Metric(system="s", metric="m", value=0.5, n=n, method="wilson", **more)

    assert (share(metric(9)), share(metric(10))) == ("50.0 % (n = 9)", "50.0 %")
    assert (plain(metric(1)), plain(metric(10))) == ("0.5 (n = 1)", "0.5")
    flat = metric(20, ci_low=0.5, ci_high=0.5)
    assert (interval(flat), interval(metric(20))) == ("unknown", "unknown")
    assert points_interval(flat) == "interval unknown"
    assert "100.0 % (n = 7)" in render_markdown([view(n=7, p_ir=1.0, p_dr=1.0)])


def test_all_right_is_not_a_hundred_percent_for_certain() -> None:
    one = view(n=7, p_ir=1.0, p_dr=1.0, seeds=(0, 1))
    found = [m for m in one.metrics if m.metric == "accuracy" and m.value == 1.0 and m.n == 7]
    assert len(found) > 8
    for m in found:
        assert m.ci_low is not None
        assert m.ci_low < 0.7
        assert "bootstrap" not in m.method
    for m in one.metrics:  # no interval without width is written down
        assert m.ci_low is None or m.ci_high is None or m.ci_low < m.ci_high, m


@pytest.mark.parametrize(
    ("fallback", "whose"),
    [("ir", "IR's last"), ("dr", "DR's last"), ("majority", "the most frequent one")],
)
def test_never_agreeing_means_that_every_answer_is_the_fallback_s(
    fallback: str, whose: str, tmp_path: Path
) -> None:
    one = view(n=40, p_ir=0.0, p_dr=0.0, n_wrong=10**9, fallback=fallback)
    said = f"every answer of lorid@5 is the fallback's ({whose})"
    assert any(said in s for s in findings(one))
    assert said in render_markdown([one])
    assert said.replace("'", "&#x27;") in render_html([one])
    assert "every answer is the fallback's" in lead(one)
    write_metrics(one, tmp_path / "metrics.json")
    assert "IR and DR never agree within 5 rounds: every answer of lorid@5 is the fallback's" in (
        headline(tmp_path)
    )


def test_without_a_fallback_nothing_is_answered() -> None:
    one = view(n=40, p_ir=0.0, p_dr=0.0, n_wrong=10**9, fallback="none")
    assert any("there is no fallback: lorid@5 answers nothing" in s for s in findings(one))


def test_differences_are_in_points_and_never_in_percent() -> None:
    one = view(n=80, p_ir=0.2, p_dr=0.8)
    chart = wins(one)
    titles = re.findall(r"<title>([^<]*)</title>", chart)
    assert titles
    assert not any("%" in t.replace("95 % interval", "") for t in titles)
    assert not re.search(r'class="(value|tick)"[^>]*>[^<]*%', chart)
    for t in (tables.comparisons(one), question_tables.wins(one)):
        for row in t.rows:
            at = [i for i, h in enumerate(t.head) if h in ("Points", "DR − IR", "95 % interval")]
            assert not any("%" in row[i] for i in at)


def test_what_keeps_runs_from_being_compared_stands_first() -> None:
    a, b = view("a", n=60), view("b", n=50, fallback="dr", random_seed=1)
    for text in (render_html([a, b]), render_markdown([a, b])):
        text = text[text.index("<main>") :] if "<main>" in text else text
        warning = text.index("not like for like: 50 questions are shared, of 60 in a and 50 in b")
        assert "fallback (ir against dr)" in text[warning : warning + 300]
        assert warning < text.index(" points (")
    [c] = compare_all([side_of(a), side_of(view("same", n=60))])
    assert compared.warning(c) == ""


def test_other_reference_answers_are_named() -> None:
    a, b = side_of(view("a", n=20)), side_of(view("b", n=20))
    moved = {pid: (q, gold + "0") for pid, (q, gold) in b.questions.items()}
    from dataclasses import replace

    [c] = compare_all([a, replace(b, questions=moved)])
    assert "20 questions have another reference answer" in compared.warning(c)
    [c] = compare_all([a, replace(b, questions={})])
    assert "share no question" in compared.sentence(c)
