r"""MATH (Hendrycks et al. 2021): 7,500 training and 5,000 test problems of seven subjects.

One Hub copy was taken down after a claim on the problems' copyright, so the licence that the
authors state is contested, and the text is taken from the first of several mirrors whose content
has the known hash. Columns: problem, level, type, solution; the answer is the last `\boxed{}`,
or the last ones where several make one list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from lorid_data.answers import boxed
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.tables import Table
from lorid_data.hub import reading
from lorid_data.schema import Problem, canonical_json, sha256_text
from lorid_data.sources.table import problems_of
from lorid_data.texts.counting import count
from lorid_data.texts.latex import last_boxed

MIRRORS = (
    reading.HubRef("EleutherAI/hendrycks_math", "21a5633873b6a120296cce3e2df9d5550074f4a3"),
    reading.HubRef(
        "DigitalLearningGmbH/MATH-lighteval", "0530c78699ea5e8eb5530600900e1f328b48acad"
    ),
)
"""Copies on the Hub, tried in this order; each has one configuration per subject."""
SUBJECTS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)
CONTENT_SHA256 = {
    "train": "85431e18144d057bdd674eac7704a5d6c89dae8b480d8f6652fabfde6e6c8183",
    "test": "cecafdaf77a484cf72dd58b8e7d530d41799874965c56dde167b2fe6de0ac9d8",
}
"""`content_sha256` of each split, all subjects together."""
SPLITS = tuple(CONTENT_SHA256)
LICENCE = "MIT (contested)"

Loader = Callable[[reading.HubRef, str, str], Table]


def load(
    split: str, *, source_path: str | None = None, loader: Loader = reading.load
) -> tuple[list[Problem], list[str]]:
    """All problems of a split, subject by subject, and warnings.

    Args:
        split: train or test.
        source_path: a local copy laid out like the Hub's; other content is then only a warning.
        loader: how one configuration of a copy is read.

    Raises:
        ConfigError: no such split.
        InputError: no copy can be read and has the known content; each copy's fault is named.
    """
    if split not in SPLITS:
        raise ConfigError(f"source 'math' has no split {split!r}; it has {', '.join(SPLITS)}")
    if source_path is not None:
        tables = _tables(reading.HubRef(source_path), split, loader)
        wrong = _mismatch(source_path, tables, split)
        problems, warnings = _problems(tables, split)
        return problems, [*([wrong] if wrong else []), *warnings]
    faults = []
    for mirror in MIRRORS:
        try:
            tables = _tables(mirror, split, loader)
        except InputError as e:
            faults.append(str(e))
            continue
        wrong = _mismatch(str(mirror), tables, split)
        if wrong is None:
            return _problems(tables, split)
        faults.append(wrong)
    raise InputError(
        *faults,
        "source 'math': no mirror gave the known text; get a copy of MATH with its original split "
        "and name its folder with --source-path",
    )


def content_sha256(rows: Iterable[tuple[str, str]]) -> str:
    """A hash of (problem, solution) pairs that does not depend on their order."""
    digests = sorted(sha256_text(canonical_json(list(row))) for row in rows)
    return hashlib.sha256("\n".join(digests).encode("ascii")).hexdigest()


def _tables(ref: reading.HubRef, split: str, loader: Loader) -> list[Table]:
    tables = [loader(ref, subject, split) for subject in SUBJECTS]
    for table in tables:
        missing = [c for c in ("problem", "solution") if c not in table.columns]
        if missing:
            raise InputError(
                f"{table.where}: missing columns {missing}; its columns are {', '.join(table.columns)}"
            )
    return tables


def _mismatch(where: str, tables: list[Table], split: str) -> str | None:
    rows = ((str(r["problem"]), str(r["solution"])) for t in tables for r in t.rows)
    found = content_sha256(rows)
    if found == CONTENT_SHA256[split]:
        return None
    n = sum(len(t.rows) for t in tables)
    return (
        f"{where}: its {split} split ({count(n, 'row')}) is not the known text of MATH "
        f"(content {found[:12]}…, expected {CONTENT_SHA256[split][:12]}…)"
    )


def _problems(tables: list[Table], split: str) -> tuple[list[Problem], list[str]]:
    problems: list[Problem] = []
    warnings: list[str] = []
    for subject, table in zip(SUBJECTS, tables, strict=True):
        some, said = problems_of(
            table,
            source="math",
            split=split,
            licence=LICENCE,
            subject=subject,
            # Two rows of the source box nothing: they have no answer.
            answer_in=lambda solution: boxed(solution) or "",
        )
        problems += map(_one_of_both, some)
        warnings += said
    return problems, warnings


def _one_of_both(problem: Problem) -> Problem:
    """Three questions ask for one focus or vertex, "not both", and their solutions box the two: the last counts."""
    if "not both" not in problem.question:
        return problem
    return problem.model_copy(update={"answer": last_boxed(problem.rationale) or ""})
