"""What a judge is shown, and what its verdicts amount to: pure.

Beside the rows of the folder it is shown planted defects, which tell how many it sees, and problems
of the arithmetic source with rules that are right by construction, which tell how often it errs on
good ones. Nothing in a request says which is which. The rates are corrected by both.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

from lorid_data.audit.plant import PLANTS, plant
from lorid_data.audit.result import Flag, JudgeRate
from lorid_data.audit.rubric import CRITERIA, Criterion, Item
from lorid_data.intervals import effective_n, rogan_gladen, wilson
from lorid_data.sampling import ranked
from lorid_data.schema import Provenance, Record, row_ids

LEAST_PLANTED = 20
"""Planted defects per criterion, and controls per kind, at least."""
Verdicts = Mapping[int, Mapping[str, str] | None]
"""By the number of the item: the defects that the judge saw; None where it gave no judgement."""


def items_of(rows: Sequence[Record], planted_fraction: float, seed: int) -> list[Item]:
    """Everything to ask, in an order that says nothing.

    Args:
        rows: the sampled rows; those without knowledge are left out.
        planted_fraction: planted defects of each criterion, as a fraction of the items it judges.
        seed: what is planted where.
    """
    with_rules = [r for r in rows if r.knowledge]
    subjects = [Item(r, i, "subject") for r in with_rules for i in range(len(r.knowledge))]
    subjects += [Item(r, None, "subject") for r in with_rules]
    items = list(subjects)
    items += _all_planted(with_rules, subjects, planted_fraction, seed)
    n_lists = max(LEAST_PLANTED, round(planted_fraction * len(with_rules)))
    items += _controls(n_lists, seed)
    random.Random(seed).shuffle(items)
    return items


def _all_planted(
    rows: Sequence[Record], subjects: Sequence[Item], fraction: float, seed: int
) -> list[Item]:
    """Planted defects of each criterion; kinds that fit few rows come first, and the last makes up for them."""
    found: dict[str, list[Item]] = {}
    for criterion in CRITERIA:
        n_judged = sum(i.kind == criterion.kind for i in subjects)
        n_left = max(LEAST_PLANTED, round(fraction * n_judged))
        for at, kind in enumerate(criterion.plants):
            if kind not in found:
                found[kind] = _planted(kind, rows, -(-n_left // (len(criterion.plants) - at)), seed)
            n_left -= len(found[kind])
    return [item for items in found.values() for item in items]


def _planted(kind: str, rows: Sequence[Record], n: int, seed: int) -> list[Item]:
    """At most `n` items with a defect, each in another row as far as there are enough."""
    by_id = {r.row_id: r for r in rows}
    found: list[Item] = []
    for turn in range(3):  # a small folder has each row more than once, differently
        for row_id in ranked(by_id, seed, f"{kind}{turn}"):
            if len(found) == n:
                return found
            item = _plant(
                kind, by_id[row_id], rows, random.Random(f"{seed}:{turn}:{kind}:{row_id}")
            )
            if item is not None and item not in found:
                found.append(item)
    return found


def _plant(kind: str, row: Record, rows: Sequence[Record], rng: random.Random) -> Item | None:
    if kind in PLANTS:
        made = plant(kind, row, rng)
        return None if made is None else Item(made.row, made.rule_index, "planted", kind)
    if kind == "dropped_rules":
        if len(row.knowledge) < 2:
            return None
        kept = sorted(rng.sample(range(len(row.knowledge)), len(row.knowledge) // 2))
        rules = tuple(row.knowledge[i] for i in kept)
    else:
        others = [
            r.knowledge
            for r in rows
            if r.original_id != row.original_id and r.knowledge != row.knowledge
        ]
        if not others:
            return None
        rules = rng.choice(others)
    return Item(row.model_copy(update={"knowledge": rules}), None, "planted", kind)


def _controls(n: int, seed: int) -> list[Item]:
    """Rules and lists of generated problems, right by construction."""
    from lorid_data.sources.arithmetic.generate import load

    problems = list(load("train", seed=seed, limit=n))
    rows = [
        Record(row_id=row_id, provenance=Provenance(teacher="source"), **p.model_dump())
        for p, row_id in zip(problems, row_ids(problems), strict=True)
    ]
    rng = random.Random(f"controls:{seed}")
    rules = [Item(r, rng.randrange(len(r.knowledge)), "control") for r in rows if r.knowledge]
    return rules + [Item(r, None, "control") for r in rows if r.knowledge]


# --- what the verdicts amount to ------------------------------------------------------------------


def flags_of(items: Sequence[Item], verdicts: Verdicts) -> dict[str, list[Flag]]:
    """What the judge found in the rows of the folder, by row_id."""
    found: dict[str, list[Flag]] = defaultdict(list)
    for n, item in enumerate(items):
        said = verdicts.get(n)
        if item.role == "subject" and said:
            found[item.row.row_id] += [
                Flag(check=name, rule_index=item.rule_index, evidence=words)
                for name, words in said.items()
            ]
    return dict(found)


def judge_rates(items: Sequence[Item], verdicts: Verdicts) -> tuple[JudgeRate, ...]:
    """The rate of each criterion, as judged and corrected; items without a judgement are left out."""
    judged = [(item, said) for n, item in enumerate(items) if (said := verdicts.get(n)) is not None]
    return tuple(_rate(c, judged) for c in CRITERIA)


def _rate(criterion: Criterion, judged: Sequence[tuple[Item, Mapping[str, str]]]) -> JudgeRate:
    mine = [(i, criterion.name in said) for i, said in judged if i.kind == criterion.kind]
    clusters: dict[str, list[bool]] = defaultdict(list)
    for item, hit in mine:
        if item.role == "subject":
            clusters[item.row.original_id].append(hit)
    n_flagged, n = sum(map(sum, clusters.values())), sum(map(len, clusters.values()))
    # Rules of one list resemble one another: they count for what they are worth.
    n_worth = effective_n([(sum(hits), len(hits)) for hits in clusters.values()])
    apparent = (n_flagged / n * n_worth if n else 0.0, n_worth)
    low, high = wilson(*apparent)
    planted = [hit for item, hit in mine if item.plant in criterion.plants]
    controls = [hit for item, hit in mine if item.role == "control"]
    n_passed = len(controls) - sum(controls)
    corrected = rogan_gladen(apparent, (sum(planted), len(planted)), (n_passed, len(controls)))
    return JudgeRate(
        criterion=criterion.name,
        n=n,
        n_flagged=n_flagged,
        fraction=n_flagged / n if n else 0.0,
        ci_low=low,
        ci_high=high,
        n_planted=len(planted),
        n_planted_found=sum(planted),
        n_controls=len(controls),
        n_controls_passed=n_passed,
        corrected=corrected.value if corrected else None,
        corrected_low=corrected.low if corrected else None,
        corrected_high=corrected.high if corrected else None,
    )
