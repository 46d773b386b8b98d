"""The report: what it says of known numbers, what it shows, and what it never lets through."""

from __future__ import annotations

import base64
import json
import re
import runpy
import zlib
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import InputError
from lorid_data.pages.text import LIMIT
from lorid_train.interaction.draws import Draw
from lorid_train.interaction.rules import decide
from lorid_train.metrics.comparisons import families
from lorid_train.metrics.files import metrics_json
from lorid_train.report.findings import findings
from lorid_train.report.headline import headline
from lorid_train.report.loop_tables import named_list
from lorid_train.report.markdown import render_markdown
from lorid_train.report.page import render_html
from lorid_train.report.reading import DrawFile
from lorid_train.report.run_tables import flatten
from lorid_train.report.traces import data_blocks
from lorid_train.report.view import EvaluationView, Replay, view_of
from lorid_train.report.words import describe, p_value, points
from lorid_train.report.writing import write_metrics, write_report

simulated = runpy.run_path(str(Path(__file__).parents[3] / "support" / "simulated_evaluation.py"))


def view(
    name: str = "run", *, rounds: int = 5, change: Any = None, **options: Any
) -> EvaluationView:
    records, draws = simulated["simulate"](**{"n": 60, "rounds": rounds, **options})
    if change:
        draws = {pid: [change(d) for d in of] for pid, of in draws.items()}
    return view_of(
        name, records, lambda pid: draws[pid], replay=Replay(rounds=rounds),
        exhaustive=not options.get("lazy", True), settings={"base": "tiny", "seed": 0},
    )  # fmt: skip


def blocks(html: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/octet-stream" id="(\w+)">([^<]*)</script>', html)
    return {name: json.loads(zlib.decompress(base64.b64decode(packed))) for name, packed in found}


# --- findings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"n": 400, "n_wrong": 200, "p_ir": 0.45},
        {"n": 60},
        {"n": 80, "p_ir": 0.2, "p_dr": 0.2, "n_wrong": 2},
    ],
)
def test_every_comparison_is_said_as_its_test_has_it(options: dict[str, Any]) -> None:
    one = view(**options)
    said = findings(one)
    assert said[0].startswith("lorid@5 is right on ")
    of = {(m.metric, m.slice): m.value for m in one.metrics if m.system == "lorid@5"}
    openings = {
        "better": "It beats ",
        "worse": "It is worse than ",
        "noise": "It does not differ, beyond noise, from ",
    }
    rivals = [p.second for p in families(one.scored)["alternatives"]]
    assert len(rivals) >= 6
    for rival in rivals:
        p, difference = of["mcnemar_p_holm", f"vs={rival}"], of["difference", f"vs={rival}"]
        assert p is not None
        assert difference is not None
        found = "noise" if p >= 0.05 else "better" if difference > 0 else "worse"
        [sentence] = [
            s
            for s in said
            if s.startswith(tuple(openings.values())) and f"{describe(rival)} (" in s
        ]
        assert sentence.startswith(openings[found])
        assert f"{describe(rival)} ({points(difference)} points, " in sentence
        assert sentence.endswith("outside noise.") == (found != "noise")
        [d] = [
            m for m in one.metrics
            if (m.system, m.metric, m.slice) == ("lorid@5", "difference", f"vs={rival}")
        ]  # fmt: skip
        assert d.ci_low is not None
        assert d.ci_high is not None
        alone = found == "noise" and (d.ci_low > 0 or d.ci_high < 0)
        assert any(s.startswith("Taken alone, ") and describe(rival) in s for s in said) == alone


def test_a_system_that_is_better_than_the_loop_is_named() -> None:
    def better(d: Draw) -> Draw:
        return (
            d.model_copy(update={"text": gold[d.problem_id]})
            if (d.role, d.condition) == ("ir", "greedy")
            else d
        )

    records, _ = simulated["simulate"](200)
    gold = {r.problem_id: f"--> {r.answer} END" for r in records}
    said = findings(view(n=200, change=better))
    [worse] = [s for s in said if s.startswith("It is worse than ")]
    assert "greedy IR (−" in worse
    assert "outside noise" in worse
    assert not any("greedy IR (" in s for s in said if s.startswith("It beats"))


def test_no_gain_over_stopping_early_is_admitted() -> None:
    said = " ".join(findings(view(n=150, p_ir=0.6, p_dr=0.6)))
    assert "do not show that the second reasoner or its knowledge adds anything" in said
    assert "would go unseen more than one time in five" in said
    assert "Under the official rule" in said


def test_seven_questions_promise_to_find_nothing() -> None:
    said = " ".join(findings(view(n=7, p_ir=0.5, p_dr=0.5)))
    assert "7 questions are too few to tell any two systems apart." in said
    assert "would go unseen" not in said


def test_near_zero_accuracy_is_called_that() -> None:
    said = findings(view(n=40, p_ir=0.0, p_dr=0.0, n_wrong=500))
    assert said[0].startswith(
        "lorid@5 is right on 0.0 % of 40 questions (95 % interval 0.0–8.8 %)."
    )
    assert "close to nothing" in said[0]


def test_a_loop_without_its_draws_says_so() -> None:
    records, draws = simulated["simulate"](5)
    greedy = {p: [d for d in of if d.condition != "sampled"] for p, of in draws.items()}
    one = view_of("greedy only", records, lambda p: greedy[p], replay=Replay(rounds=3))
    assert findings(one) == ["lorid@3 has no result: its draws are missing for all questions."]
    assert "greedy only" in render_html([one])
    assert "| ir-greedy |" in render_markdown([one])


def test_unanswered_is_not_wrong() -> None:
    def silent(d: Draw) -> Draw:
        return (
            d
            if d.role == "kg" or d.problem_id[0] not in "01234567"
            else d.model_copy(update={"text": "…"})
        )

    one = view(n=60, change=silent, lazy=False)
    assert any("of the questions get no answer from lorid@5" in s for s in findings(one))
    assert "no answer" in render_markdown([one])


def test_words() -> None:
    assert describe("lorid@1") == "the interaction loop, at most 1 round"
    assert describe("maj-both@9") == "majority voting of IR and DR together, 9 rounds"
    assert (
        describe("dr-shuffled-knowledge") == "greedy DR with the words of its knowledge in disorder"
    )
    assert [points(v) for v in (0.0549, -0.0049, 0.0004, None)] == ["+5.5", "−0.5", "±0.0", "–"]
    assert [p_value(p) for p in (0.0001, 0.0123, 0.5, None)] == ["< 0.001", "0.012", "0.50", "–"]
    assert flatten({"a": {"b": [1, 2], "c": None}, "d": 0.5}) == {
        "a.b": "1, 2",
        "a.c": "none",
        "d": "0.5",
    }


# --- the page and the Markdown -----------------------------------------------------------------


def test_every_system_and_every_reason_is_on_both() -> None:
    one = view()
    for text in (render_html([one]), render_markdown([one])):
        for system in one.scored.outcomes:
            assert system in text
        for system, reason in one.scored.left_out.items():
            assert system in text
            assert reason in text
        for sentence in findings(one):
            assert sentence.replace("'", "&#x27;") in text or sentence in text


def test_the_same_evaluation_gives_the_same_bytes() -> None:
    assert render_html([view()]) == render_html([view()])
    assert render_markdown([view()]) == render_markdown([view()])
    assert metrics_json(view().metrics) == metrics_json(view().metrics)


def test_draws_made_ahead_of_need_change_no_number() -> None:
    lean = view(n=40, lazy=True, n_votes=30)
    records, draws = simulated["simulate"](40, rounds=5, lazy=True, n_votes=30)
    for of in draws.values():
        last = max(d.round for d in of if d.role == "dr")
        extra = [
            d for d in of if d.role in ("kg", "dr") and d.condition == "sampled" and d.round == last
        ]
        of += [d.model_copy(update={"round": last + 1}) for d in extra]
    full = view_of("run", records, lambda p: draws[p], replay=Replay(rounds=5))
    assert metrics_json(full.metrics) == metrics_json(lean.metrics)


def test_another_rule_is_replayed_on_the_same_draws() -> None:
    records, draws = simulated["simulate"](60, rounds=8, lazy=False)
    found = {
        rule: view_of("run", records, lambda p: draws[p], replay=Replay(8, rule), exhaustive=True)
        for rule in ("same_round", "cumulative")
    }
    rounds = {r: [o.round for o in v.scored.outcomes["lorid@8"]] for r, v in found.items()}
    assert all(c <= s for c, s in zip(rounds["cumulative"], rounds["same_round"], strict=True))
    assert sum(rounds["cumulative"]) < sum(rounds["same_round"])
    none = view_of(
        "run", records, lambda p: draws[p], replay=Replay(8, fallback="none"), exhaustive=True
    )
    assert {o.how for o in none.scored.outcomes["lorid@8"]} == {"consensus", "none"}


def test_runs_side_by_side_share_one_table() -> None:
    text = render_markdown([view("one"), view("two", random_seed=3, lazy=False)])
    assert "## What the numbers say: one" in text
    assert "## What the numbers say: two" in text
    assert "| System | one | two |" in text
    assert "**one (A) − two (B), 60 questions**" in text
    rows = [x for x in text.splitlines() if x.startswith("| maj-ir@K |")]
    assert [x.count("|") for x in rows] == [13, 4]  # A − B, and side by side
    html = render_html([view("one"), view("two", n=10)])
    assert all(said in html for said in ("A: one", "B: two", "one − two"))
    assert [r["name"] for r in blocks(html)["index"]["runs"]] == ["one", "two"]
    assert sum(row["runs"][1] is None for row in blocks(html)["index"]["rows"]) == 50


def test_hostile_text_never_reaches_the_page_as_markup() -> None:
    evil = "</script><img src=x onerror=alert(1)>\u202e\x00"
    records, draws = simulated["simulate"](4)
    records = [
        r.model_copy(update={"question": evil, "answer": evil, "subject": evil + str(i)})
        for i, r in enumerate(records)
    ]
    draws = {
        p: [d.model_copy(update={"text": f"--> {evil} END"}) for d in of] for p, of in draws.items()
    }
    one = view_of(
        evil, records, lambda p: draws[p], replay=Replay(rounds=3), settings={evil: {evil: evil}}
    )
    html = render_html([one])
    assert "<img" not in html
    assert html.count("</script>") == len(re.findall("<script[ >]", html))
    for text in (html, render_markdown([one])):
        assert "\u202e" not in text
        assert "\x00" not in text
    assert "<" not in re.sub(r"\\<", "", render_markdown([one]))


# --- traces ------------------------------------------------------------------------------------


def test_the_chunks_hold_every_draw_with_its_verdict() -> None:
    records, draws = simulated["simulate"](30, rounds=5)
    found = blocks(render_html([view(n=30)]))
    n_draws = 0
    for record, row in zip(records, found["index"]["rows"], strict=True):
        assert row["id"] == record.problem_id
        trace = found[f"t{row['c']}"][row["i"]]
        assert trace["q"] == record.question
        assert trace["knowledge"] == list(record.knowledge)
        [run] = trace["runs"]
        shown = [s for r in run["rounds"] for k, s in r.items() if k in ("ir", "kg", "dr")] + run[
            "single"
        ]
        n_draws += len(shown)
        assert sorted(s["t"] for s in shown) == sorted(d.text for d in draws[record.problem_id])
        for s in shown:
            if "v" in s and s["a"] is not None:
                assert (s["v"] == "correct") == (s["a"] == record.answer)
        assert run["decision"]["v"] == row["runs"][0]["v"]
    assert n_draws == sum(map(len, draws.values()))


def test_long_evaluations_are_cut_into_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lorid_train.report.traces.CHUNK_CHARS", 2_000)
    found = blocks("".join(data_blocks([view(n=30)])))
    assert len(found) > 5
    for row in found["index"]["rows"]:
        assert found[f"t{row['c']}"][row["i"]]["q"] == row["q"]


def test_huge_draws_are_shortened_with_a_notice() -> None:
    huge = "x" * 10_000_000
    one = view(n=2, change=lambda d: d.model_copy(update={"text": huge}) if d.role == "kg" else d)
    html = render_html([one])
    assert len(html) < 1_000_000
    row = blocks(html)["index"]["rows"][0]
    text = blocks(html)[f"t{row['c']}"][row["i"]]["runs"][0]["rounds"][0]["kg"]["t"]
    assert text.startswith("x" * LIMIT)
    assert "of 10,000,000 characters" in text


@pytest.mark.parametrize(
    "text",
    [
        "--> " + "7" * 1_000_000 + " END",
        "x" * 10_000_000,
        "--> 9**9**9**9 END",
        "--> " + "(" * 50_000 + " END",
        "\\boxed{" * 20_000,
        "",
    ],
    ids=["a million digits", "ten megabytes", "a tower", "brackets", "boxes", "nothing"],
)
def test_hostile_answers_are_never_right_and_never_stop_the_report(text: str) -> None:
    one = view(
        n=3,
        rounds=2,
        lazy=False,
        n_votes=2,
        change=lambda d: d.model_copy(update={"text": text}) if d.role != "kg" else d,
    )
    for rows in one.scored.outcomes.values():
        assert {o.verdict for o in rows} <= {"wrong", "no_answer", "ungradable"}
    html = render_html([one])
    assert len(html) < 2_000_000
    assert len(render_markdown([one])) < 200_000


def test_lists_name_what_did_not_converge_and_what_agreed_wrongly() -> None:
    one = view(n=120, p_ir=0.2, p_dr=0.2, n_wrong=3)
    rows = one.scored.outcomes["lorid@5"]
    agreed_wrongly = [o for o in rows if o.how == "consensus" and o.verdict == "wrong"]
    assert len(agreed_wrongly) > 50
    made = named_list(one, "false_consensus")
    assert [r[0] for r in made.rows] == [o.problem_id[:12] for o in agreed_wrongly[:50]]
    assert made.note.startswith(f"{len(agreed_wrongly)} in all; the first 50")
    assert [r[0] for r in named_list(one, "no_consensus").rows] == [
        o.problem_id[:12] for o in rows if o.how != "consensus"
    ][:50]


# --- files -------------------------------------------------------------------------------------


def written(tmp_path: Path, n: int = 8) -> tuple[Path, dict[str, list[Draw]]]:
    _, draws = simulated["simulate"](n, rounds=5)
    lines = [d.model_dump_json() for of in draws.values() for d in of]
    path = tmp_path / "draws.jsonl"
    path.write_text("\n".join(lines[::2] + lines[1::2]) + "\n", encoding="utf-8")
    return path, draws


def test_draws_are_read_back_by_problem(tmp_path: Path) -> None:
    path, draws = written(tmp_path)
    found = DrawFile(path)
    for pid, of in draws.items():
        assert {d.key: d for d in found(pid)} == {d.key: d for d in of}
    assert found("no such problem") == []


def test_a_cut_line_and_a_repeated_key_change_nothing(tmp_path: Path) -> None:
    path, draws = written(tmp_path)
    first = next(iter(draws.values()))[0]
    with path.open("a", encoding="utf-8") as f:
        f.write(
            first.model_copy(update={"text": "later"}).model_dump_json()
            + "\n"
            + first.model_dump_json()[:50]
        )
    again = DrawFile(path)(first.problem_id)
    assert [d for d in again if d.key == first.key] == [first]


def test_any_field_may_come_first_and_ids_inside_texts_do_not_count(tmp_path: Path) -> None:
    _, draws = simulated["simulate"](1)
    [first, *_] = next(iter(draws.values()))
    body = first.model_copy(update={"text": '{"problem_id": "other"}'}).model_dump(mode="json")
    path = tmp_path / "draws.jsonl"
    path.write_text(json.dumps(dict(reversed(body.items()))) + "\n", encoding="utf-8")
    assert len(DrawFile(path)(first.problem_id)) == 1


@pytest.mark.parametrize("line", ["{}", "nonsense", "[1]", '{"problem_id": "p"}'])
def test_a_line_that_is_no_draw_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "draws.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"draws\.jsonl"):
        DrawFile(path)("p")


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        DrawFile(tmp_path / "draws.jsonl")


def test_files_and_the_table_on_a_terminal(tmp_path: Path) -> None:
    one = view(n=60)
    write_report([one], tmp_path / "report.html")
    write_metrics(one, tmp_path / "metrics.json")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render_html([one])
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == render_markdown([one])
    text = headline(tmp_path)
    lines = text.splitlines()
    for system in one.scored.outcomes:
        [line] = [x for x in lines if x.split()[:1] == [system] and " points " not in x]
        assert "%" in line
    assert re.search(
        r"lorid@5 − ir-sampled +[+−±][\d.]+ points \(.* to .*\): (better|within noise|worse)", text
    )
    assert "maj-dr@K: left out: " in text
    (tmp_path / "metrics.json").unlink()
    with pytest.raises(InputError):
        headline(tmp_path)


def test_other_rules_are_those_of_decide() -> None:
    """The table of rules against `decide` on the draws themselves, one by one."""
    records, draws = simulated["simulate"](40, rounds=6, lazy=False, n_votes=6, p_ir=0.4)
    one = view_of("run", records, lambda p: draws[p], replay=Replay(6), exhaustive=True)
    found = {(m.system, m.metric, m.slice): m.value for m in one.metrics}
    for rule in ("same_round", "cumulative"):
        for fallback in ("none", "ir", "dr", "majority"):
            for t in (1, 3, 5, 6):
                made = [
                    decide(draws[r.problem_id], rule=rule, rounds=t, fallback=fallback)
                    for r in records
                ]  # type: ignore[arg-type]
                right = sum(d.answer == r.answer for d, r in zip(made, records, strict=True))
                label = f"rule={rule},fallback={fallback}"
                assert found[f"lorid@{t}", "accuracy", label] == right / 40
                agreed = sum(d.how == "consensus" for d in made)
                assert found[f"lorid@{t}", "coverage", label] == agreed / 40


def test_rules_whose_draws_are_missing_are_left_out() -> None:
    records, draws = simulated["simulate"](40, rounds=6, n_votes=6)
    one = view_of("run", records, lambda p: draws[p], replay=Replay(6, rule="cumulative"))
    slices = {m.slice for m in one.metrics if m.system == "lorid@6" and m.slice}
    assert "rule=cumulative,fallback=ir" in slices
    assert "rule=same_round,fallback=ir" not in slices


def test_roles_outside_the_loop_are_shown_and_named() -> None:
    records, draws = simulated["simulate"](n=60, rounds=3)
    for pid, of in draws.items():
        ir = next(d for d in of if (d.role, d.condition) == ("ir", "greedy"))
        extra = [ir.model_copy(update={"role": "ks"}), ir.model_copy(update={"role": "ird"})]
        extra += [ir.model_copy(update={"role": "ks", "condition": "sampled", "round": 9})]
        draws[pid] = [*of, *extra]
    one = view_of("run", records, lambda pid: draws[pid], replay=Replay(rounds=3))
    html = render_html([one])
    assert "one adapter states the knowledge" in html
    trace = blocks(html)["t0"][0]["runs"][0]
    assert [d["role"] for d in trace["single"]] == ["ir", "kg", "dr", "dr", "ks", "ird"]
    assert trace["single"][-1]["v"] == trace["single"][0]["v"]
    assert [r["ks"]["n"] for r in trace["rounds"] if "ks" in r] == [30 + 1 % 3]
    assert "ks-greedy" in render_markdown([one])
