"""Duplicates go with their evidence, variants are capped, and different problems stay."""

import random
import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lorid_data.build.importing import import_table
from lorid_data.dedup import stage
from lorid_data.dedup.duplicates import Pairs
from lorid_data.dedup.removals import near_removals
from lorid_data.dedup.stage import PAIRS, DedupOptions, dedup
from lorid_data.errors import InputError
from lorid_data.folders.names import REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Manifest, Reject
from lorid_data.texts.folding import fold, fold_all

reseal = runpy.run_path(str(Path(__file__).parents[3] / "support" / "manifests.py"))["reseal"]
BASE = (
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. "
    "How many clips did Natalia sell altogether in April and May?"
)


def rows_of(
    tmp_path: Path, *rows: dict[str, Any], **options: Any
) -> tuple[list[str], list[Reject], Manifest]:
    """The questions that stay, the rejects and the manifest."""
    folder, out = tmp_path / "in", tmp_path / "out"
    full = [{"rationale": "so 72", "answer": "72", "id": None, **row} for row in rows]
    pl.DataFrame(full, infer_schema_length=None).write_parquet(tmp_path / "t.parquet")
    import_table(tmp_path / "t.parquet", folder)
    manifest = dedup(folder, out, DedupOptions(**options))
    kept, rejects = read_records(out), read_rows(out / REJECTS, Reject)
    ids = [r.row_id for r in read_records(folder)]
    assert sorted([r.row_id for r in kept] + [r.row_id for r in rejects]) == sorted(ids)
    assert [i for i in ids if i in {r.row_id for r in kept}] == [r.row_id for r in kept]
    assert manifest.n_in == len(rows)
    return [r.question for r in kept], rejects, manifest


def reasons(rejects: list[Reject]) -> list[str]:
    return [r.reason.value for r in rejects]


@pytest.mark.parametrize("copy", [BASE, BASE.upper(), f"  {BASE}\n", BASE.replace(" ", "\t ")])
def test_equal_but_for_case_and_white_space_is_exact(tmp_path: Path, copy: str) -> None:
    kept, [reject], _ = rows_of(tmp_path, {"question": BASE}, {"question": copy})
    assert kept == [BASE]
    assert reject.reason == "duplicate_exact"
    assert reject.evidence == BASE


@pytest.mark.parametrize(
    "copy",
    [
        BASE.replace(",", "").replace("?", ""),
        BASE.replace("Natalia", "Olga"),
        BASE.replace("altogether ", "").replace("and then", "then"),
    ],
)
def test_other_words_with_the_same_numbers_and_answer_are_near(tmp_path: Path, copy: str) -> None:
    kept, [reject], manifest = rows_of(tmp_path, {"question": BASE}, {"question": copy})
    assert kept == [BASE]
    assert reject.reason == "duplicate_near"
    assert "same numbers and answer; stays: " in reject.detail
    assert manifest.figures["n_duplicate_near"] == manifest.figures["n_pairs"] == 1


@pytest.mark.parametrize(
    "other",
    [
        {"question": BASE.replace("48", "50")},
        {"question": BASE.replace("half", "twice")},
        {"question": BASE, "rationale": "another way, also 72"},
        {"question": BASE.replace("Natalia", "Olga"), "answer": "73"},
        {"question": BASE.replace("Natalia", "Olga"), "rationale": "she sold 24 then, and 72 in all months"},
        {"question": BASE.replace("Natalia", "Olga"), "answer": ""},
        {"question": BASE.replace("Natalia", "Olga"), "split": "test"},
    ],
)  # fmt: skip
def test_different_problems_and_other_solutions_stay(tmp_path: Path, other: dict[str, Any]) -> None:
    first = {"question": BASE, "split": "train"}
    if other.get("answer") == "":
        first["answer"] = ""
    kept, rejects, _ = rows_of(tmp_path, first, {"split": "train", **other})
    assert (len(kept), rejects) == (2, [])


def test_numbers_exchanged_make_another_problem(tmp_path: Path) -> None:
    one = (
        "Ann has 3 red pens and 5 blue pens in her school bag. How many pens does she have in all?"
    )
    other = one.replace("3", "#").replace("5", "3").replace("#", "5")
    kept, _, _ = rows_of(tmp_path, {"question": one}, {"question": other})
    assert len(kept) == 2


def test_equal_answers_need_not_be_spelled_alike(tmp_path: Path) -> None:
    kept, rejects, _ = rows_of(
        tmp_path,
        {"question": BASE, "answer": "0.5"},
        {"question": BASE, "answer": r"\frac{1}{2}"},
        {"question": BASE.replace("Natalia", "Olga"), "answer": "1/2"},
    )
    assert kept == [BASE]
    assert reasons(rejects) == ["duplicate_exact", "duplicate_near"]


def test_one_solution_with_two_answers_is_flagged_and_stays(tmp_path: Path) -> None:
    _, rejects, manifest = rows_of(
        tmp_path, {"question": BASE}, {"question": BASE, "answer": "73"}, {"question": "x?"}
    )
    flags = [r.flags for r in read_records(tmp_path / "out")]
    assert flags == [("duplicate_answers_differ",)] * 2 + [()]
    assert (rejects, manifest.figures["n_with_differing_answers"]) == ([], 2)


def test_the_row_with_knowledge_stays(tmp_path: Path) -> None:
    rows = [{"question": BASE, "knowledge": []}, {"question": BASE.upper(), "knowledge": ["Add."]}]
    kept, _, _ = rows_of(tmp_path, *rows)
    assert kept == [BASE.upper()]


def test_variants_are_capped_and_each_question_gives_its_first(tmp_path: Path) -> None:
    rows = [{"question": BASE, "rationale": f"{r} so 72", "id": 7} for r in "abc"]
    rows += [{"question": "Total clips?", "rationale": f"{r} so 72", "id": 7} for r in "abc"]
    kept, rejects, _ = rows_of(tmp_path, *rows, max_variants=3)
    assert kept == [BASE, BASE, "Total clips?"]
    assert set(reasons(rejects)) == {"too_many_variants"}
    assert len(rejects) == 3


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("In how many ways can the letters of the word NINE be arranged?",
         "In how many ways can the letters of the word THAT be arranged?", "12"),
        ("Let $f(x)$ be an odd function. Is $f(f(f(x)))$ even, odd, or neither?",
         "Let $f(x)$ be an odd function. Is $f(f(x))$ even, odd, or neither?", "odd"),
    ],
)  # fmt: skip
def test_too_little_to_agree_in_is_no_duplicate(
    tmp_path: Path, one: str, other: str, answer: str
) -> None:
    rows = [{"question": q, "rationale": "", "answer": answer} for q in (one, other)]
    assert rows_of(tmp_path, *rows)[1] == []


def test_another_solution_of_a_question_in_other_case_stays(tmp_path: Path) -> None:
    way = "In May she sold 48 / 2 = 24 clips, so in both months she sold 48 + 24 = 72 clips"
    rows = [
        {"question": BASE, "rationale": way},
        {"question": BASE.upper(), "rationale": f"{way} now"},
    ]
    assert rows_of(tmp_path, *rows)[1] == []


def goes_for(pairs: Pairs) -> list[tuple[int, int]]:
    """Each row that goes at 0.5, with the one that stays."""
    removals = near_removals(pairs, 0.5)
    return list(zip(removals.rows.tolist(), removals.of.tolist(), strict=True))


def test_no_chain_of_small_steps_joins_what_is_far_apart() -> None:
    alike = np.array([0.6, 0.6], np.float32)
    pairs = Pairs(np.array([0, 1]), np.array([1, 2]), alike, np.ones(2, np.float32), 2)
    assert goes_for(pairs) == [(1, 0)]


def test_a_row_goes_for_the_most_alike_of_those_that_stay() -> None:
    a, b = np.array([0, 0, 1, 2, 0, 1]), np.array([1, 3, 3, 3, 4, 4])
    question = np.array([0.9, 0.6, 0.8, 0.7, 0.5, 0.4], np.float32)
    pairs = Pairs(a, b, question, np.ones(6, np.float32), 6)
    assert goes_for(pairs) == [(1, 0), (3, 2), (4, 0)]


def test_folding_many_texts_is_folding_each() -> None:
    rng = random.Random(0)
    signs = "aB \t\n\v\f\r\x1c\x1f\0,É\u2003Σ"
    texts = [
        "".join(rng.choices(signs[: rng.choice((4, 11, 15))], k=rng.randrange(9)))
        for _ in range(2000)
    ]
    for some in (texts, texts[:1], []):
        folded = fold_all(pl.Series("t", some, dtype=pl.String))
        assert (folded.name, folded.to_list()) == ("t", [fold(text) for text in some])


def test_another_threshold_uses_the_stored_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"question": BASE}, {"question": BASE.replace("Natalia", "Olga")}]
    assert len(rows_of(tmp_path, *rows)[0]) == 1
    stored = (tmp_path / "out" / PAIRS).read_bytes()

    def never(*_: Any) -> None:
        pytest.fail("pairs were searched again")

    monkeypatch.setattr(stage, "find_pairs", never)
    folder, out = tmp_path / "in", tmp_path / "out"
    assert dedup(folder, out, DedupOptions(threshold=0.9)).n_kept == 2
    again = dedup(folder, out, DedupOptions(threshold=0.5))
    assert again.n_kept == 1
    assert dedup(folder, out) == again
    assert (out / PAIRS).read_bytes() == stored
    table = pl.read_parquet(out / PAIRS)
    assert table.columns == ["row_id", "of_row_id", "similarity", "rationale_similarity"]
    assert 0.5 < table["similarity"][0] < 0.9


def test_other_records_are_paired_again(tmp_path: Path) -> None:
    rows = [{"question": BASE}, {"question": BASE.replace("Natalia", "Olga")}]
    assert len(rows_of(tmp_path, *rows)[0]) == 1
    path = tmp_path / "in" / "records.parquet"
    frame = pl.read_parquet(path)
    frame.head(1).write_parquet(path)
    reseal(tmp_path / "in", n_in=1, n_kept=1)
    assert dedup(tmp_path / "in", tmp_path / "out").n_in == 1
    assert len(pl.read_parquet(tmp_path / "out" / PAIRS)) == 0


def test_an_id_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    rows_of(tmp_path, {"question": BASE}, {"question": "x?"})
    path = tmp_path / "in" / "records.parquet"
    frame = pl.read_parquet(path)
    pl.concat([frame, frame]).write_parquet(path)
    reseal(tmp_path / "in")
    with pytest.raises(InputError, match="is duplicated"):
        dedup(tmp_path / "in", tmp_path / "other")
    assert not (tmp_path / "other" / "manifest.json").exists()


# --- planted duplicates -----------------------------------------------------------------------------


def edited(text: str, share: float, rng: random.Random, vocabulary: list[str]) -> str:
    """Words replaced, left out, put in or exchanged; those with digits stay."""
    out = []
    for word in text.split():
        if rng.random() >= share or re.search(r"\d", word):
            out.append(word)
            continue
        change = rng.choice(("replace", "leave out", "put in", "exchange"))
        if change == "replace":
            out.append(rng.choice(vocabulary))
        elif change == "put in":
            out += [word, rng.choice(vocabulary)]
        elif change == "exchange":
            out.insert(max(len(out) - (not re.search(r"\d", " ".join(out[-1:]))), 0), word)
    return " ".join(out)


def test_planted_duplicates_go_and_other_numbers_stay(tmp_path: Path, real_data: Path) -> None:
    rng = random.Random(0)
    table = pl.read_parquet(next((real_data / "openai/gsm8k/main").glob("test-*.parquet")))
    bases = table.rows()[:400]
    vocabulary = [w for q, _ in bases for w in q.split() if not re.search(r"\d", w)]
    planted = [(q, a, f"{i}") for i, (q, a) in enumerate(bases)]
    for i, (question, answer) in enumerate(bases):
        for share in (0.0, 0.05, 0.1):
            planted.append((edited(question, share, rng, vocabulary), answer, f"{i}"))
        if re.search(r"\d", question):
            other = re.sub(r"\d+", lambda m: str(int(m[0]) + rng.randint(1, 9)), question)
            planted.append((other, answer, f"{i} with other numbers"))
    rng.shuffle(planted)
    rows = [{"question": q, "answer": a} for q, a, _ in planted]
    pl.DataFrame(rows).write_parquet(tmp_path / "t.parquet")
    import_table(tmp_path / "t.parquet", tmp_path / "in")
    dedup(tmp_path / "in", tmp_path / "out")
    names = {
        r.row_id: n for r, (_, _, n) in zip(read_records(tmp_path / "in"), planted, strict=True)
    }
    gone = read_rows(tmp_path / "out" / REJECTS, Reject)
    right = [names[r.row_id] == names[r.detail.rpartition("stays: ")[2]] for r in gone]
    assert sum(right) / len(right) >= 0.995
    assert len(gone) / (len(planted) - len(set(names.values()))) >= 0.88
