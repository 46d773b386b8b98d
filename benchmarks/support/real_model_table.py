"""What `real_model.py` says at the end: the tables over all seeds, and the bare base beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lorid_data import answers
from lorid_data.audit.result import Audit, Rate, read_audit
from lorid_data.folders.files import write_text
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.pages.table import Table, table, table_markdown
from lorid_data.schema import Record
from lorid_train.metrics.comparisons import compare, families, right_by_problem
from lorid_train.metrics.numbers import fraction
from lorid_train.metrics.rows import Metric, Outcome, Verdict
from lorid_train.metrics.summary import mean
from lorid_train.metrics.systems import Scored, kind
from lorid_train.report.findings import verdict
from lorid_train.report.words import (
    VERDICTS,
    describe,
    interval,
    numbers,
    p_value,
    plain,
    points,
    points_interval,
    share,
)

BARE = "base, zero-shot"


def zero_shot(
    folder: Path, base: str, device: str, dtype: str, threads: int, max_new_tokens: int
) -> list[Outcome]:
    """What the bare base answers to the clean questions, greedily; kept in `zero-shot.jsonl`.

    A text that states no answer is taken at its last number.
    """
    records = list(read_records(folder / "clean"))
    path = folder / "zero-shot.jsonl"
    ids = {r.problem_id for r in records}
    if not path.is_file() or ids - {
        json.loads(x)["problem_id"] for x in path.read_text().splitlines()
    }:
        made = _texts(records, base, device, dtype, threads, max_new_tokens)
        write_text(path, "".join(json.dumps(row) + "\n" for row in made))
    rows = {r["problem_id"]: r for r in map(json.loads, path.read_text().splitlines())}
    return [_outcome(r, rows[r.problem_id]) for r in records]


def _texts(
    records: Sequence[Record], base: str, device: str, dtype: str, threads: int, n: int
) -> Iterator[dict[str, Any]]:
    import torch

    from lorid_train import formats, roles
    from lorid_train.engines.base import GenRequest, Sampling
    from lorid_train.engines.transformers import TransformersEngine
    from lorid_train.models import base_model

    torch.set_num_threads(threads)
    found = base_model.resolve(base)
    tokenizer, fmt = base_model.load_tokenizer(found), formats.on("chat", formats.TEMPLATE_DATE)
    engine = TransformersEngine(
        model=base_model.load_model(found, dtype).to(device).eval(),
        encode=lambda content: fmt.prompt_ids(tokenizer, content),
        render=lambda content: fmt.text(tokenizer, content),
        decode=lambda ids: tokenizer.decode(ids, skip_special_tokens=True),
        stop_ids=fmt.stop_ids(tokenizer, base_model.generation_ends(found)),
    )
    ir = roles.role("ir")
    sampling = Sampling(0.0, max_new_tokens=n)
    waiting = [GenRequest(r.problem_id, None, ir.content(r.question), sampling, 0) for r in records]

    def pull(n: int) -> list[GenRequest]:
        some, waiting[:] = waiting[:n], waiting[n:]
        return some

    for done in engine.generate(pull):
        yield {"problem_id": done.key, "text": done.text, "finish_reason": done.finish_reason, "n_tokens": done.n_tokens}  # fmt: skip


def _outcome(record: Record, row: Mapping[str, Any]) -> Outcome:
    found = answers.extract(row["text"], last_number=True)
    answer = found.value if isinstance(found, answers.Answer) else None
    right = answer is not None and str(answers.equal(answer, record.answer)) == "equal"
    said = Verdict.CORRECT if right else Verdict.NO_ANSWER if answer is None else Verdict.WRONG
    return Outcome(
        system=BARE, problem_id=record.problem_id, seed=0, answer=answer, verdict=said, how="single", round=1,
        n_tokens=row["n_tokens"], subject=record.subject, level=record.level,
    )  # fmt: skip


def scored(folders: Mapping[int, Path], rounds: int) -> Scored:
    """The outcomes of one evaluation per adapter seed as those of one, by kind of system."""
    found: dict[str, list[Outcome]] = {}
    for seed, folder in folders.items():
        for o in read_rows(folder / "outcomes.parquet", Outcome):
            name = kind(o.system)
            found.setdefault(name, []).append(o.model_copy(update={"seed": seed, "system": name}))
    return Scored(found, {}, rounds)


def _accuracy(name: str, rows: Sequence[Outcome]) -> Metric:
    flags: dict[str, list[bool]] = {}
    for o in rows:
        flags.setdefault(o.problem_id, []).append(o.verdict == Verdict.CORRECT)
    return fraction(name, "accuracy", flags)


def _systems(of: Scored, bare: Sequence[Outcome]) -> Table:
    """Every system: accuracy over questions and seeds, seed by seed, and its cost."""
    rows = []
    for name, outcomes in {**({BARE: bare} if bare else {}), **of.outcomes}.items():
        m = _accuracy(name, outcomes)
        seeds = sorted({o.seed for o in outcomes})
        each = [_accuracy(name, [o for o in outcomes if o.seed == s]) for s in seeds]
        cost = mean(name, "tokens_per_problem", outcomes, lambda o: o.n_tokens)
        what = "the base without an adapter, greedy" if name == BARE else describe(name)
        rows.append(
            [
                name,
                what,
                share(m),
                interval(m),
                ", ".join(share(e) for e in each),
                m.n,
                plain(cost, 0),
            ]
        )
    head = ["System", "What it is", "Accuracy", "95 % interval", "Seed by seed", "Questions", "Tokens"]  # fmt: skip
    return table(head, rows)


def _compared(of: Scored) -> tuple[Table, dict[str, float]]:
    found = compare(of)
    n = numbers(found)
    rows, ratios = [], {}
    for family, pairs in families(of).items():
        for first, second in pairs:
            d = n[first, "difference", f"vs={second}"]
            p = n[first, "mcnemar_p_holm", f"vs={second}"].value
            rows.append([f"{first} − {second}", points(d.value), points_interval(d), p_value(p), VERDICTS[verdict(n, first, second)], family])  # fmt: skip
            ratios[f"{first}_minus_{second}"] = round(d.value or 0.0, 4)
    return table(["Same questions", "Points", "95 % interval", "p, Holm", "Verdict", "Family"], rows), ratios  # fmt: skip


def _sliced(of: Scored, bare: Sequence[Outcome], key: str, only: str = "") -> Table:
    """Accuracy by one property of the questions, of a few systems."""
    names = ["ir-greedy", "dr-kg-knowledge", of.headline, "maj-ir@K"]
    shown = {BARE: bare, **{s: of.outcomes[s] for s in names if s in of.outcomes}}
    values = sorted({str(v) for o in bare if (v := getattr(o, key)) and str(v).startswith(only)})
    rows = []
    for value in values:
        cells = [
            _accuracy(s, [o for o in some if getattr(o, key) == value]) for s, some in shown.items()
        ]
        rows.append([value, cells[0].n, *(f"{share(c)} [{interval(c)}]" for c in cells)])
    return table([key, "n", *shown], rows)


def audits(folders: Mapping[str, Path]) -> Table:
    """The same checks over KG's knowledge and over the recorded one: original questions flagged."""
    read: dict[str, Audit] = {who: a for who, f in folders.items() if (a := read_audit(f))}
    rates: dict[str, dict[str, Rate]] = {
        who: {r.check: r for r in a.rates} for who, a in read.items()
    }
    names = dict.fromkeys(
        name for some in rates.values() for name, r in some.items() if r.n_flagged
    )
    rows = []
    for name in names:
        cells = []
        for some in rates.values():
            r = some.get(name)
            cells.append(f"{r.fraction:.1%} [{r.ci_low:.1%}–{r.ci_high:.1%}]" if r else "–")
        rows.append([name.replace("_", " "), *cells])
    head = [
        f"{who} ({read[who].n_questions:,} questions, {read[who].n_rules:,} rules)" for who in read
    ]
    return table(["Flagged questions", *head], rows)


def table_of(
    out: Path,
    seeds: Sequence[int],
    rounds: int,
    bare: Sequence[Outcome],
    knowledge: Mapping[str, Path],
) -> tuple[str, dict[str, float]]:
    """The page in Markdown, written as `table.md`, and the numbers of the last line."""
    parts: list[str] = []
    ratios: dict[str, float] = {}
    names = [n for n in ("clean", "known", "gsm8k") if (out / f"seed-{seeds[0]}" / n).is_dir()]
    for name in names:
        of = scored({s: out / f"seed-{s}" / name for s in seeds}, rounds)
        beside = bare if name == "clean" else ()
        compared, differences = _compared(of)
        parts += [f"## {name}", table_markdown(_systems(of, beside)), table_markdown(compared)]
        if beside:
            parts += [
                table_markdown(_sliced(of, bare, "subject")),
                table_markdown(_sliced(of, bare, "level")),
            ]
            ratios["clean_base"] = round(_accuracy(BARE, bare).value or 0.0, 4)
        for system, rows in of.outcomes.items():
            right = right_by_problem(rows).values()
            ratios[f"{name}_{system}"] = round(sum(right) / len(right), 4)
        ratios |= {f"{name}_{k}": v for k, v in differences.items()}
    parts += ["## Knowledge", table_markdown(audits(knowledge)), _degenerate(knowledge["KG's"])]
    page = "\n\n".join(parts) + "\n"
    write_text(out / "table.md", page)
    return page, ratios


def _degenerate(folder: Path) -> str:
    figures = read_manifest(folder).figures
    kinds = (
        ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in figures["n_by_kind"].items()) or "none"
    )
    return f"Of KG's texts {figures['degenerate_fraction']:.1%} are degenerate ({kinds}); {figures['n_distinct_texts']} are distinct."
