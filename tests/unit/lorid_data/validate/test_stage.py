"""The checks on planted faults and on sound rows, and the stage around them."""

import collections
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.build.rows import to_row
from lorid_data.build.stage import BuildOptions, build
from lorid_data.checks.annotations import ANNOTATION, annotation_left, annotation_wrong
from lorid_data.checks.answers import answer_unparsed
from lorid_data.checks.finding import Finding, Severity
from lorid_data.checks.rules import rule_fault
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Provenance, Record, Reject, RejectReason
from lorid_data.validate.stage import check_row, validate


def record(**changes: Any) -> Record:
    fields: dict[str, Any] = {
        "row_id": "row",
        "problem_id": "p",
        "original_id": "p",
        "source": "s",
        "split": "train",
        "question": "How many?",
        "rationale": "48/2 = <<48/2=24>>24\nSo 48 + 24 = <<48+24=72>>72.",
        "answer": "72",
        "knowledge": ("To find a total, add its parts.",),
        "provenance": Provenance(teacher="source"),
        **changes,
    }
    return Record(**fields)


def reason_of(row: Record) -> str | None:
    checked = check_row(row)
    return checked.reason.value if isinstance(checked, Reject) else None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"question": " \n"}, "question_empty"),
        ({"question": "What\x00?"}, "question_not_text"),
        ({"rationale": "\x0crac{1}{2} gives 72"}, "question_not_text"),
        ({"answer": "7\ufffd2"}, "question_not_text"),
        ({"answer": " "}, "answer_missing"),
        ({"rationale": "so <<48+24=73>>73 and 72"}, "annotation_wrong"),
        ({"rationale": "so <<10/3=3.33>>3.33 and <<3.33*20=66.6>>, 72"}, None),
        ({"rationale": "so <<x+1=3>> and 72"}, None),
        ({"rationale": "so it is 71."}, "answer_contradicted"),
        ({"rationale": "it takes 72 of the 80."}, None),
        ({"rationale": "72 it is.\nThank you."}, None),
        ({"rationale": r"so \boxed{71}"}, "answer_contradicted"),
        ({"rationale": r"\boxed{71} no, \boxed{72.0}"}, None),
        ({"rationale": "The answer is: 71"}, "answer_contradicted"),
        ({"rationale": r"so \frac{71}{1}. The answer is: \frac{71}{1}"}, "answer_contradicted"),
        ({"rationale": r"so \frac{72}{1}. The answer is: \frac{72}{1}"}, None),
        ({"rationale": "12 200-kilobyte videos", "answer": "12"}, None),
        ({"rationale": "The answer is $72$."}, None),
        ({"rationale": "so 0.72 dollars"}, None),
        ({"rationale": "so 72 000", "answer": "72,000"}, None),
        ({"rationale": r"so \frac{72}{1"}, "latex_unbalanced"),
        ({"rationale": "she has $5 left and 72"}, None),
        ({"rationale": ""}, None),
        ({"knowledge": ()}, None),
        ({"knowledge": ("a rule", " ")}, "knowledge_empty"),
        ({"knowledge": ("1. Add.",)}, "knowledge_format"),
    ],
)
def test_planted_faults_are_found_and_sound_rows_pass(
    changes: dict[str, Any], reason: str | None
) -> None:
    assert reason_of(record(**changes)) == reason


@pytest.mark.parametrize(
    "rule",
    ["1. Add.", "2) Add.", "(3) Add.", "a) Add.", "- Add.", "* Add.", "• Add.", "(ii) Add.", "Rule 1: add.", "Step: add.",
     "Hint 2. Add it.", "Add.\nThen halve.", "Add. 2. Halve.", "**Add** it.", "# Adding", "['Add.', 'Halve.']",
     "```Add```", "Add\x0b.", r"Use $\frac{a}{b.", "Add.\u2028Halve."],
)  # fmt: skip
def test_a_rule_that_is_not_one_plain_line_is_named(rule: str) -> None:
    assert rule_fault(rule) is not None


@pytest.mark.parametrize(
    "rule",
    ["Add the parts.", "A total is the sum of its parts.", "In (a+b)^2, expand.", "I. e. add.", "60 minutes make an hour.",
     "$\\frac{a}{b} = c$ means $a = bc$.", "Multiply a by b; then halve.", "The price per item (in $) times n.", "x) is odd",
     "Steps of equal length make a progression: add them."],
)  # fmt: skip
def test_a_plain_rule_passes(rule: str) -> None:
    if rule == "x) is odd":
        assert rule_fault(rule) is not None
    else:
        assert rule_fault(rule) is None


@pytest.mark.parametrize("answer", [r"\frac{1}{", "9**9**9**9"])
def test_an_answer_that_the_grader_cannot_read_is_set_apart(answer: str) -> None:
    finding = answer_unparsed(record(answer=answer))
    assert finding is not None
    assert (finding.reason, finding.severity) == (RejectReason.ANSWER_UNPARSED, Severity.QUARANTINE)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"source": "t", "rationale": "48/2 = <<48/2=24>>24, so 72."}, "annotation_left"),
        ({"source": "gsm8k", "rationale": "48/2 = <<48/2=24>>24, so 72."}, None),
        ({"source": "gsm8k", "question": "Is <<1+1=2>>2 all?"}, "annotation_left"),
        ({"source": "gsm8k", "rationale": "48/2 = <<48/2=24, so 72."}, "annotation_left"),
        ({"rationale": "48/2 = 24>>24, so 72."}, "annotation_left"),
        ({"knowledge": ("Halve it: <<48/2=24>>24.",)}, "annotation_left"),
        ({"rationale": "It is 72 square feet.The answer is: 72"}, "sentences_glued"),
        ({"rationale": "It is $72$.The answer is $72$."}, "sentences_glued"),
        ({"rationale": "E.g. 3.14 or a.m. or J.R.R. Tolkien, 72."}, None),
        ({"rationale": "See.[asy] draw(A--B); [/asy]Now we have 72."}, None),
    ],
)
def test_blemishes_are_flagged_and_the_row_is_kept(
    changes: dict[str, Any], flag: str | None
) -> None:
    row = check_row(record(**{"source": "gsm8k", **changes}))
    assert isinstance(row, Record)
    assert row.flags == ((flag,) if flag else ())


def test_a_piece_of_an_annotation_waits_for_a_person() -> None:
    piece = annotation_left(record(rationale="48/2 = <<48/2=24, so 72."))
    assert piece is not None
    assert piece.severity is Severity.QUEUE
    assert "<<" in piece.detail


def finding(reason: RejectReason, severity: Severity) -> Any:
    return lambda _: Finding(reason, severity, "detail", "e" * 5000)


def test_findings_that_do_not_reject_become_flags() -> None:
    run = (
        finding(RejectReason.ANSWER_UNPARSED, Severity.QUEUE),
        finding(RejectReason.ANNOTATION_WRONG, Severity.REPORT),
    )
    row = check_row(record(flags=("earlier",)), run)
    assert isinstance(row, Record)
    assert row.flags == ("annotation_wrong", "answer_unparsed", "earlier")


@pytest.mark.parametrize("severity", [Severity.DROP, Severity.REGENERATE, Severity.QUARANTINE])
def test_the_first_rejecting_finding_names_the_reason(severity: Severity) -> None:
    run = (
        finding(RejectReason.TOO_LONG, Severity.REPORT),
        finding(RejectReason.ANSWER_UNPARSED, severity),
        finding(RejectReason.ANNOTATION_WRONG, Severity.DROP),
    )
    row = check_row(record(), run)
    assert isinstance(row, Reject)
    assert (row.reason, row.disposition) == (RejectReason.ANSWER_UNPARSED, severity.value)
    assert len(row.evidence) == 2000


# --- the stage ----------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path) -> Path:
    table = tmp_path / "t.csv"
    table.write_text(
        'question,rationale,answer\na,so 1,1\nb,so 3,2\nc,so 2,2\nd,"so <<1+1=3>>2",2\n',
        encoding="utf-8",
    )
    build(BuildOptions(source=str(table), teacher="none"), tmp_path / "built")
    return tmp_path / "built"


def test_kept_and_rejected_are_all(tmp_path: Path, built: Path) -> None:
    out = tmp_path / "out"
    manifest = validate(built, out)
    assert (manifest.n_in, manifest.n_kept) == (4, 2)
    assert manifest.n_rejected == {"annotation_wrong": 1, "answer_contradicted": 1}
    assert [r.question for r in read_records(out)] == ["a", "c"]
    rejects = read_rows(out / REJECTS, Reject)
    assert {r.stage for r in rejects} == {"validate"}
    ids = {r.row_id for r in read_records(built)}
    assert {r.row_id for r in rejects} | {r.row_id for r in read_records(out)} == ids
    assert validate(built, out) == manifest


def test_new_rows_of_the_same_configuration_are_checked_again(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("question,rationale,answer\na,so 1,1\nb,so 2,2\n", encoding="utf-8")
    built, out = tmp_path / "built", tmp_path / "out"
    build(BuildOptions(source=str(table), teacher="none", limit=1), built)
    assert validate(built, out).n_in == 1
    build(BuildOptions(source=str(table), teacher="none", limit=2), built)
    assert validate(built, out).n_in == 2


def test_a_folder_of_another_dataset_is_refused(tmp_path: Path, built: Path) -> None:
    out = tmp_path / "out"
    validate(built, out)
    table = tmp_path / "u.csv"
    table.write_text("question,answer\na,1\n", encoding="utf-8")
    build(BuildOptions(source=str(table), teacher="none"), tmp_path / "other")
    with pytest.raises(ConfigError, match="what the folder is made from: not the same"):
        validate(tmp_path / "other", out)
    assert read_manifest(out).n_in == 4


def test_an_unfinished_folder_is_refused(tmp_path: Path, built: Path) -> None:
    (built / "manifest.json").unlink()
    with pytest.raises(InputError, match="has not finished"):
        validate(built, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def sources_of(real_data: Path, source: str, split: str) -> list[Record]:
    from lorid_data.schema import row_ids
    from lorid_data.sources.registry import load
    from lorid_data.teachers.base import Unasked

    folder = {"gsm8k": "openai/gsm8k", "math": "EleutherAI/hendrycks_math"}[source]
    loaded = load(source, split=split, source_path=str(real_data / folder))
    rows = [
        to_row(p, i, Unasked("none"))
        for p, i in zip(loaded.problems, row_ids(loaded.problems), strict=True)
    ]
    return [r for r in rows if isinstance(r, Record)]


KNOWN_CONTRADICTIONS = {356, 786, 1154, 2770, 3334, 4796, 5350, 6157, 6760, 7182, 7444}
"""Rows of GSM8K's training split whose text ends in another number than its label, found by reading."""


@pytest.mark.slow
def test_the_checks_find_the_known_faults_of_gsm8k_and_leave_the_rest_alone(
    real_data: Path,
) -> None:
    records = sources_of(real_data, "gsm8k", "train")
    rejected = {i: row for i, r in enumerate(records) if isinstance(row := check_row(r), Reject)}
    assert {r.reason.value for r in rejected.values()} == {"answer_contradicted"}
    assert set(rejected) >= KNOWN_CONTRADICTIONS
    assert len(rejected) <= len(KNOWN_CONTRADICTIONS) + 3


@pytest.mark.slow
def test_the_checks_find_only_real_faults_in_math(real_data: Path) -> None:
    rows = [check_row(r) for r in sources_of(real_data, "math", "train")]
    reasons = collections.Counter(r.reason.value for r in rows if isinstance(r, Reject))
    # Two rows box nothing, two lost a $, and in one a tab and `extbf` stand for \\textbf.
    assert reasons == {"answer_missing": 2, "latex_unbalanced": 2, "question_not_text": 1}


def test_wrong_results_planted_in_real_annotations_are_found(real_data: Path) -> None:
    frame = pl.DataFrame({"r": [r.rationale for r in sources_of(real_data, "gsm8k", "test")]})
    texts = frame.filter(pl.col("r").str.contains(r"<<[^=]*=\d+>>"))["r"].to_list()
    planted = [ANNOTATION.sub(lambda m: f"<<{m[1]}7>>", t, count=1) for t in texts]
    found = [annotation_wrong(record(rationale=t)) is not None for t in planted]
    assert len(found) > 1000
    assert sum(found) / len(found) > 0.99
