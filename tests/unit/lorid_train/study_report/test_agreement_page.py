"""What the study of agreement says: differences, Holm over all ten, the stop rule, break-even, what is missing."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET

import pytest

from lorid_data.pages.svg import alone
from lorid_train.study_report.agreement_numbers import (
    Numbers,
    break_even,
    metrics_of,
    numbers,
    pairs_of,
    verdict,
)
from lorid_train.study_report.agreement_page import plot, render_html, render_markdown
from lorid_train.study_report.agreement_reading import Row, Said, SettingRead, Trained
from lorid_train.study_report.agreement_sentences import missing, sentences

ROWS = [Row("consensus", "SFT on agreed draws", False, "consensus"), Row("none", "the <control>", False, "none"), Row("gold", "SFT on right draws", True, "gold")]  # fmt: skip
IDS = [f"p{i}" for i in range(200)]


def said(p: float, tokens: int, *, seeds: int = 1, salt: str = "") -> Said:
    """Answers that are right with probability p; the same luck for every system of one salt."""
    return Said(
        {
            i: tuple((random.Random(f"{salt}{s}{i}").random() < p, tokens) for s in range(seeds))
            for i in IDS
        }
    )


def setting(after: float = 0.8, *, kept: tuple[bool, ...] = (True, True, True), loop_tokens: int = 800, **changes: object) -> SettingRead:  # fmt: skip
    read = SettingRead(
        name="weak", n_seeds=3, subjects={i: i for i in IDS},
        before={"ir-greedy": said(0.6, 40), "ir-sampled": said(0.5, 40), "lorid@5": said(0.55, 300),
                "lorid@20": said(0.7, loop_tokens), "maj-ir@9": said(0.65, 360), "oracle": said(0.9, loop_tokens)},
        greedy={"consensus": said(after, 40, seeds=3), "none": said(0.6, 40, seeds=3)},
        sampled={"consensus": said(after - 0.1, 40, seeds=3), "none": said(0.5, 40, seeds=3)},
        kept={"consensus": kept},
        trained={"consensus": Trained(600, 38, 50_000.0, 12.5, 0.7, 0.9, 150_000)},
    )  # fmt: skip
    for name, value in changes.items():
        setattr(read, name, value)
    return read


def by_name(n: Numbers, name: str) -> str:
    return verdict(next(c for c in n.comparisons if c.name == name))


def test_the_ten_comparisons_count_whether_made_or_not() -> None:
    n = numbers(setting())
    assert len(pairs_of(n.read)) == len(n.comparisons) == 10
    made = [c for c in n.comparisons if c.found is not None]
    assert [c.name for c in made] == [
        "one pass after − LoRID before", "one pass after − one pass before",
        "one pass after − majority at equal tokens before", "consensus − none",
    ]  # fmt: skip
    smallest = min(c.found.p for c in made if c.found)
    assert min(c.p_holm for c in made) == pytest.approx(10 * smallest)
    assert by_name(n, "LoRID after − LoRID before") == "not made"


def test_the_first_of_a_name_that_starts_alike_is_not_the_loop() -> None:
    assert pairs_of(setting())[0][2] == "before:lorid@20"


@pytest.mark.parametrize(
    ("after", "word"), [(0.9, "helps"), (0.6, "no difference is shown"), (0.3, "harms")]
)
def test_one_sentence_says_whether_it_helps(after: float, word: str) -> None:
    assert f"weak: {word}." in sentences(numbers(setting(after)))[0]


def test_not_worse_needs_the_interval_and_a_tenth_of_the_tokens() -> None:
    assert "One pass after is as good as lorid@20" in sentences(numbers(setting(0.9)))[1]
    dear = sentences(numbers(setting(0.9, loop_tokens=390)))[1]
    assert "is not shown to be" in dear
    assert "more than a tenth" in dear
    assert "is not shown to be" in sentences(numbers(setting(0.66)))[1]


def test_the_stop_rule_takes_back_what_fell() -> None:
    harmed = numbers(setting(0.4, kept=(False, False, False)))
    assert harmed.stopped is not None
    assert harmed.stopped.change["all"].value == 0.0
    assert harmed.stopped.unstopped["all"].value == pytest.approx(-0.2, abs=0.06)
    let_by = numbers(setting(0.4, kept=(True, True, True)))
    assert any("The stop rule fails: it lets accuracy fall by" in s for s in sentences(let_by))
    assert not any("fails" in s for s in sentences(harmed))


def test_subjects_never_met_are_said_apart_and_clusters_are_subjects() -> None:
    subjects = {i: f"s{k % 20}" for k, i in enumerate(IDS)}
    seen = frozenset(f"s{k}" for k in range(15))
    n = numbers(setting(0.4, subjects=subjects, seen=seen))
    assert n.stopped is not None
    assert {k: e.n for k, e in n.stopped.change.items()} == {"all": 200, "seen": 150, "unseen": 50}
    assert n.accuracy["greedy:consensus"].n_clusters == 20


def test_break_even_is_what_was_spent_over_what_a_question_saves() -> None:
    read = setting()
    tokens = numbers(read).tokens
    assert break_even(read, tokens) == {"consensus": (150_000 + 3 * 50_000) / (800 - 40)}
    dear = setting(loop_tokens=30)
    assert break_even(dear, numbers(dear).tokens) == {"consensus": None}


def test_what_is_missing_is_named() -> None:
    said = missing(numbers(setting()), [r.name for r in ROWS])
    assert said == "Not made yet: gold, the loop after training; the same command makes them."
    not_asked = setting(has_loop_after=False)  # a study that says `loops_after: 0`
    said = missing(numbers(not_asked), ["consensus", "none"])
    assert said == ""
    assert sentences(numbers(SettingRead("empty"))) == ["This setting was not made."]
    assert "Nothing was trained further" in sentences(numbers(setting(greedy={}, sampled={}, kept={}, trained={})))[0]  # fmt: skip


def test_a_system_with_a_seed_to_come_is_shown_and_compared_with_nothing() -> None:
    n = numbers(
        setting(greedy={"consensus": said(0.8, 40, seeds=3), "none": said(0.2, 40, seeds=2)})
    )
    assert "greedy:none" in n.accuracy
    assert by_name(n, "consensus − none") == "not made"
    assert "none (2 of 3 seeds made)" in missing(n, ["consensus", "none"])


def test_the_page_escapes_and_shows_every_table() -> None:
    found = [numbers(setting()), numbers(SettingRead("empty"))]
    page, text = render_html(found, ROWS), render_markdown(found, ROWS)
    assert "the &lt;control&gt;" in page
    assert page.count("<table>") == 3
    for head in ("Accuracy on the test questions", "What each further training was made of", "The ten comparisons"):  # fmt: skip
        assert head in page
        assert head in text


def test_a_plot_is_a_file_of_its_own() -> None:
    root = ET.fromstring(alone(plot(numbers(setting()))))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    said = "".join(root.itertext())
    assert "before: lorid@20" in said
    assert "after: consensus" in said


def test_every_number_of_the_page_is_in_its_metrics() -> None:
    made = metrics_of(numbers(setting()))
    assert {m.metric for m in made} == {
        "accuracy", "tokens_per_problem", "difference", "p_holm", "change_after_stop_rule", "break_even_questions",
    }  # fmt: skip
    assert all("setting=weak" in (m.slice or "") for m in made)
