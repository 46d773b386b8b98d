"""The rule that weighs votes against the loop, on the same draws: three settings, from data to tables.

    python benchmarks/weighed.py [--out runs/weighed] [--settings strong undertrained concepts] [--draw-only]
    python benchmarks/weighed.py --eval FIT TEST [TEST …] [--rounds T]
                                                       finished evaluations of yours, T rounds of all roles drawn; the
                                                       rule is fitted on the first, and judged on the others together
    python benchmarks/weighed.py --lazy undertrained 1 2
                                                       draws of a setting's test questions under these seeds only what
                                                       both rules ask for; the rule is that of seed 0's validation draws
    python benchmarks/weighed.py --default --settings strong undertrained
                                                       makes the packaged rule again, of the seed 0 validation draws

What is asked and how it is judged stands in docs/experiments.md. Run again, it goes on where it stopped. The
tables are printed, and written to tables.md; the last line is JSON. The real model on real word problems:
`lorid-train study benchmarks/support/agreement_real.yaml` draws what to fit on, `benchmarks/real_programs.py` what
to judge on, then --eval with --rounds 3.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "support"))

import weighed_cells
import weighed_lazy
import weighed_tables as tables

from lorid_train.fit_rule.route import ways_of
from lorid_train.fit_rule.routing import Compared, adjusted, compare
from lorid_train.fit_rule.rule import fitted
from lorid_train.interaction import rule_files
from lorid_train.interaction.rule_files import RuleFile
from lorid_train.metrics.calibration import Stated, covered, reliability
from lorid_train.metrics.contrasts import contrast, contrasts, sides
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.significance import holm


def rule_of(folders: Sequence[Path], path: Path, aim: str = "loop") -> RuleFile:
    """A fitted rule, made once."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fitted(folders, aim)[0].text(), encoding="utf-8")  # type: ignore[arg-type]
    return rule_files.load(path)


def judged(
    pairs: Sequence[weighed_cells.Pair], out: Path, elsewhere: dict[str, RuleFile]
) -> dict[str, Any]:
    """Everything about one setting."""
    cells = [tables.Cell.of(p.test) for p in pairs]
    name = pairs[0].setting
    rules, best = (
        [rule_of([p.fit], out / "rules" / f"{name}-{p.fit_seed}{tail}.json", aim) for p in pairs]
        for aim, tail in (("loop", ""), ("best", "-best"))
    )
    for rule, cell in zip(rules, cells, strict=True):
        tables.refuse_same(rule, cell.records.values(), name)
    others = {"weighed, `--aim best`": [r.weigher() for r in best]}
    if {p.fit_seed for p in pairs} == {0, 1}:
        others["weighed, fitted on the same seed"] = [r.weigher() for r in reversed(rules)]
    for other, rule in elsewhere.items():
        if other != name:
            others[f"weighed, fitted on {other}"] = [rule.weigher()] * len(cells)
    found = tables.systems(cells, [r.weigher() for r in rules], others)
    clusters = [o for cell in cells for o in cell.originals]
    ways = [
        w
        for cell, r in zip(cells, rules, strict=True)
        for w in ways_of(list(cell.records.values()), cell.graded, r.weigher(), tables.T, name)
    ]
    return {
        "systems": found, "clusters": clusters, "cells": cells, "stated": found["weighed"].stated, "rules": rules,
        "routed": compare(ways) if len(set(clusters)) >= 50 else [],
    }  # fmt: skip


def aims(found: dict[str, Any]) -> dict[str, float]:
    """The figures that a setting is judged by."""
    base, ours = (found["systems"][s] for s in (tables.loop_name(), "weighed"))
    d = ours.right - base.right
    low, high = tables.interval(d, found["clusters"])
    return {
        "difference": d.mean(), "difference_low": low, "difference_high": high,
        "tokens_share": ours.tokens.mean() / base.tokens.mean(), "loop_mean_rounds": base.rounds,
    }  # fmt: skip


def calibrated(name: str, stated: Sequence[Stated]) -> list[Metric]:
    return [*reliability(name, stated), *covered(name, stated)]


def calibration_lines(of: dict[str, list[Metric]]) -> list[str]:
    lines = [
        "| Setting | n | Calibration error | 95 % interval | If calibrated | Coverage at 95 % right | 95 % interval | At a probability of |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, metrics in of.items():
        m = {x.metric: x for x in metrics if x.slice is None}
        e, c, p = m["ece"], m["coverage_at_95"], m["probability_at_95"].value
        span = "–" if c.ci_low is None or c.ci_high is None else f"{c.ci_low:.1%}–{c.ci_high:.1%}"
        lines.append(
            f"| {name} | {e.n} | {100 * (e.value or 0):.1f} | {100 * (e.ci_low or 0):.1f}–{100 * (e.ci_high or 0):.1f} | "
            f"{100 * (m['ece_if_calibrated'].value or 0):.1f} | {c.value:.1%} | {span} | "
            f"{'–' if p is None else f'{p:.2f}'} |"
        )
    return lines


def reliability_lines(metrics: Sequence[Metric]) -> list[str]:
    said = {m.slice: m for m in metrics if m.metric == "stated"}
    lines = ["| Stated | Right | 95 % interval | n |", "| ---: | ---: | ---: | ---: |"]
    for m in metrics:
        if m.metric == "reliability":
            lines.append(
                f"| {said[m.slice].value:.2f} | {m.value:.1%} | {m.ci_low:.1%}–{m.ci_high:.1%} | {m.n} |"
            )
    return lines


def contrast_lines(of: dict[str, dict[str, Any]], out: Path) -> list[str]:
    """The planned contrasts of all settings, one family."""
    rows: list[tuple[str, str, float, float | None, float | None, float, str]] = []
    for name, found in of.items():
        graded = [g for cell in found["cells"] for g in cell.graded]
        made = contrasts(graded)
        p = {m.slice: m.value or 0.0 for m in made if m.metric == "contrast_p"}
        rows += [
            (name, str(m.slice), m.value or 0.0, m.ci_low, m.ci_high, p[m.slice], m.method.partition(", ")[2])
            for m in made
            if m.metric == "contrast"
        ]  # fmt: skip
        if name == "concepts":
            often = weighed_cells.frequencies(name, out)
            told = sides(graded)
            has = [often.get(s.slices.get("subject", ""), 0) <= 2 for s in told]
            value, low, high, q = contrast(told, has)
            n = f"{sum(has)} with and {len(has) - sum(has)} without"
            rows.append((name, "trained on at most twice", value, low, high, q, n))
    lines = [
        "| Setting | Questions with … | DR − IR there less elsewhere, points | 95 % interval | p, Holm | Questions |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for (name, what, value, low, high, _, n), p in zip(rows, holm([r[5] for r in rows]), strict=True):  # fmt: skip
        between = "unknown" if low is None or high is None else f"{100 * low:+.1f} to {100 * high:+.1f}"  # fmt: skip
        lines.append(f"| {name} | {what} | {100 * value:+.1f} | {between} | {p:.3f} | {n} |")
    return lines


def router_lines(of: dict[str, dict[str, Any]]) -> list[str]:
    named = [(name, c) for name, found in of.items() for c in found["routed"]]
    lines = [
        "| Setting | At the cost of | Tokens | Router | Fixed | Router − fixed, points | p, Holm | Router − blind, points | p, Holm | Takes IR / DR / weighed |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    made: list[Compared] = adjusted([c for _, c in named])
    for (name, _), c in zip(named, made, strict=True):
        ahead, blind = (
            f"{100 * v:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
            for v, low, high in (c.ahead, c.ahead_of_blind)
        )
        lines.append(
            f"| {name} | {c.arm} | {c.tokens:.0f} | {c.right:.1%} | {c.fixed:.1%} | {ahead} | {c.p:.3f} | {blind} | "
            f"{c.p_blind:.3f} | {' / '.join(f'{s:.0%}' for s in c.taken)} |"
        )
    return lines


def rule_lines(of: dict[str, dict[str, Any]]) -> list[str]:
    lines = [
        "| Fitted on | θ | m | Weights: "
        + ", ".join(next(iter(of.values()))["rules"][0].weights)
        + " | Calibration | Right on its own | The loop |",
        "| --- | ---: | ---: | --- | --- | ---: | ---: |",
    ]
    for name, found in of.items():
        for r in found["rules"]:
            w = ", ".join(f"{x:+.2f}" for x in r.weights.values())
            c = r.calibration
            lines.append(
                f"| {name} | {r.threshold:.2f} | {r.most_draws} | {r.intercept:+.2f}; {w} | {c.intercept:+.2f}, {c.slope:.2f} | "
                f"{r.figures['accuracy']:.1%} | {r.figures['loop_accuracy']:.1%} |"
            )
    return lines


def report(of: dict[str, dict[str, Any]], out: Path) -> tuple[str, dict[str, Any]]:
    """All tables as Markdown, and the figures that the settings are judged by."""
    lines: list[str] = []
    for name, found in of.items():
        n = len(found["clusters"])
        lines += ["", f"**{name}**, {n} answers to {len(set(found['clusters']))} questions:", ""]
        lines += tables.table(found["systems"], found["clusters"])
    of_metrics = {name: calibrated(name, found["stated"]) for name, found in of.items()}
    if len(of) > 1:
        every = [s for found in of.values() for s in found["stated"]]
        of_metrics["all together"] = calibrated("all", every)
    lines += ["", *calibration_lines(of_metrics)]
    first = next(iter(of))
    lines += ["", f"Reliability in `{first}`:", "", *reliability_lines(of_metrics[first])]
    lines += ["", *rule_lines(of), "", *contrast_lines(of, out), "", *router_lines(of)]
    judged_by = {name: {k: round(v, 4) for k, v in aims(found).items()} for name, found in of.items()}  # fmt: skip
    for name, metrics in of_metrics.items():
        judged_by.setdefault(name, {})["ece"] = round(
            next(m.value or 0 for m in metrics if m.metric == "ece"), 4
        )
    return "\n".join(lines).strip() + "\n", judged_by


def lazily(setting: str, seeds: Sequence[int], out: Path) -> None:
    """The loop and the weighed rule on the draws that they ask for."""
    rule = rule_of([weighed_cells.validation(setting, out)], out / "rules" / f"{setting}-0.json")
    cells = [weighed_lazy.cell(setting, seed, rule, out) for seed in seeds]
    n = len(cells)
    systems = {
        tables.loop_name(): tables.rows(cells, [tables.loop("ir")] * n),
        f"{tables.loop_name()}, DR as fallback": tables.rows(cells, [tables.loop("dr")] * n),
        "weighed": tables.rows(cells, [tables.weighed(rule.weigher())] * n),
    }
    clusters = [o for cell in cells for o in cell.originals]
    found = {"systems": systems, "clusters": clusters, "rules": [rule], "cells": cells}
    metrics = calibrated(setting, systems["weighed"].stated)
    lines = [*tables.table(systems, clusters), "", *calibration_lines({setting: metrics})]
    lines += ["", *reliability_lines(metrics), "", *rule_lines({setting: found})]
    print("\n".join(lines))
    ratios = {**aims(found), "ece": next(m.value or 0 for m in metrics if m.metric == "ece")}
    print(json.dumps({"benchmark": "weighed", "ratios": {setting: {k: round(v, 4) for k, v in ratios.items()}}, "settings": {"rounds": tables.T, "lazy": True, "seeds": list(seeds)}}))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("runs/weighed"))
    parser.add_argument("--settings", nargs="+", choices=list(weighed_cells.DRAWN), default=list(weighed_cells.DRAWN))  # fmt: skip
    parser.add_argument("--draw-only", action="store_true")
    parser.add_argument("--eval", type=Path, nargs="+", metavar=("FIT", "TEST"))
    parser.add_argument("--rounds", type=int, default=tables.T, help="the loop's threshold t")
    parser.add_argument("--lazy", nargs="+", metavar=("SETTING", "SEED"))
    parser.add_argument("--default", action="store_true")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning)
    tables.T = args.rounds
    if args.default:
        folders = [weighed_cells.validation(s, args.out) for s in args.settings]
        rule_files.DEFAULT.write_text(fitted(folders)[0].text(), encoding="utf-8")
        print(f"rule: {rule_files.DEFAULT}")
        return
    if args.lazy:
        lazily(args.lazy[0], [int(s) for s in args.lazy[1:]], args.out)
        return
    if args.eval:
        fit, *tests = args.eval
        if not tests:
            parser.error("--eval: name the evaluation to fit on, and one or more to judge on")
        pairs = [weighed_cells.Pair("yours", 0, fit, i, test) for i, test in enumerate(tests)]
        of = {"yours": judged(pairs, args.out, {})}
    else:
        for setting in args.settings:
            weighed_cells.make(setting, args.out)
        if args.draw_only:
            return
        every = {s: weighed_cells.pairs(s, args.out) for s in args.settings}
        elsewhere = {s: rule_of([p[0].fit], args.out / "rules" / f"{s}-{p[0].fit_seed}.json") for s, p in every.items()}  # fmt: skip
        of = {s: judged(p, args.out, elsewhere) for s, p in every.items()}
    text, judged_by = report(of, args.out)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "tables.md").write_text(text, encoding="utf-8")
    print(text)
    print(json.dumps({"benchmark": "weighed", "ratios": judged_by, "settings": {"rounds": tables.T, "settings": list(of)}}))  # fmt: skip


if __name__ == "__main__":
    main()
