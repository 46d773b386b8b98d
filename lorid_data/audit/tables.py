"""The tables of an audit's page."""

from __future__ import annotations

from lorid_data.audit.calibration import calibration
from lorid_data.audit.catalogue import BY_NAME
from lorid_data.audit.result import Audit, JudgeResult
from lorid_data.checks.finding import Severity
from lorid_data.intervals import wilson
from lorid_data.pages.cells import Chip, Formulas
from lorid_data.pages.latex import Dialect
from lorid_data.pages.table import Table, table
from lorid_data.pages.text import visible
from lorid_data.texts.counting import count


def _percent(fraction: float) -> str:
    return f"{fraction * 100:.1f} %"


def _interval(low: float, high: float) -> str:
    return f"{low * 100:.1f} – {high * 100:.1f} %"


def gates(result: Audit) -> Table:
    """Each gate, those not met first."""
    ordered = sorted(result.gates, key=lambda g: (g.met is not False, g.met is None))
    return table(
        ("gate", "", "flagged", "of", "seen", "allowed", "what a finding means"),
        [
            (
                g.check, {True: Chip("met", "correct"), False: Chip("NOT MET", "wrong"), None: "not applied"}[g.met], f"{g.n_flagged:,}", f"{g.n:,}", _percent(g.fraction),
                f"≤ {_percent(g.max_fraction)}", BY_NAME[g.check].sentence,
            )
            for g in ordered
        ],
        strong=[i for i, g in enumerate(ordered) if g.met is False],
        optional=("flagged", "of", "what a finding means"),
        note="Original questions flagged, against the highest fraction allowed."
        if result.options.get("gate_on") != "upper"
        else "The upper end of the 95 % interval, against the highest fraction allowed.",
    )  # fmt: skip


def rates(result: Audit) -> Table:
    """Every check that found something; the rest in one sentence."""
    found = [r for r in result.rates if r.n_flagged]
    clean = [r.check for r in result.rates if not r.n_flagged]
    return table(
        ("check", "original questions", "of", "fraction", "95 % interval", "rows", "rules", "severity"),
        [
            (
                r.check, f"{r.n_flagged:,}", f"{r.n:,}", _percent(r.fraction), _interval(r.ci_low, r.ci_high), f"{r.n_rows_flagged:,}",
                f"{r.n_rules_flagged:,}" if BY_NAME[r.check].level == "rule" else "–", BY_NAME[r.check].severity.value,
            )
            for r in found
        ],
        note=f"Nothing found by {', '.join(clean)}." if clean else "",
        optional=("original questions", "of", "rows", "rules", "severity"),
    )  # fmt: skip


def lengths(result: Audit) -> Table:
    """Lists by their number of rules."""
    counts = result.figures["n_rules_per_list"]
    return table(("rules", "lists"), [(n, f"{c:,}") for n, c in counts.items()])


def frequent(result: Audit, how: Dialect = Dialect.PLAIN) -> Table:
    """The rules under most original questions, as they are written most often; `how` with formulas."""
    return table(
        ("rule", "original questions"),
        [
            (Formulas(visible(r["rule"]), how), f"{r['n_questions']:,}")
            for r in result.figures["most_frequent_rules"][:10]
        ],
        note=f"{count(result.figures['n_distinct_rules'], 'distinct rule')}; spellings that differ in case, spaces or the final stop count as one, shown as it is written most often.",
    )


def trust() -> Table:
    """False alarms on labelled rules, and planted defects found, by check."""
    body = calibration()
    rows = []
    for name in BY_NAME:
        alarm, seen = body["false_alarms"].get(name), body["recall"].get(name)
        if alarm is None or BY_NAME[name].severity is Severity.REPORT:
            continue
        planted = f"{seen['n_found']:,} of {seen['n']:,}" if seen else "not planted"
        rows.append(
            (
                name, f"{alarm['n_flagged']} of {alarm['n']}", _interval(alarm["ci_low"], alarm["ci_high"]), planted,
                _interval(seen["ci_low"], seen["ci_high"]) if seen else "–",
            )
        )  # fmt: skip
    held = body["held_out_fillers"]
    note = (
        f"Measured on the recorded knowledge of GSM8K and MATH ({body['n_lists']:,} lists), to which the word lists were fitted; "
        f"of {held['n']} sentences of empty advice that they were not fitted to, {held['n_found']} are found. "
        "No check sees a wrong rule. Another teacher's habits may differ: read a sample."
    )
    return table(
        ("check", "flags good rules", "95 % interval", "finds planted defects", "95 % interval"),
        rows,
        note=note,
    )


def claims(result: Audit) -> Table:
    """How many original questions to read for which claim."""
    return table(
        ("claim, at 95 %", "read, if 0 defects", "if 1", "if 2"),
        [
            (
                f"at most {c['max_fraction'] * 100:.0f} %",
                *(_count(c[f"n_if_{k}"]) for k in (0, 1, 2)),
            )
            for c in result.figures["claims"]
        ],
        note=f"Of the {count(result.n_questions, 'original question')} of this folder.",
    )


def _count(n: int | None) -> str:
    return "none" if n is None else f"{n:,}"


def judge(found: JudgeResult) -> Table:
    """What the judge said, and how often it is wrong itself."""
    rows = []
    for r in found.rates:
        se, sp = wilson(r.n_planted_found, r.n_planted), wilson(r.n_controls_passed, r.n_controls)
        corrected = (
            "not known"
            if r.corrected is None or r.corrected_low is None or r.corrected_high is None
            else f"{_percent(r.corrected)} ({_interval(r.corrected_low, r.corrected_high)})"
        )
        rows.append(
            (
                r.criterion, f"{r.n_flagged:,} of {r.n:,}", f"{_percent(r.fraction)} ({_interval(r.ci_low, r.ci_high)})",
                f"{r.n_planted_found} of {r.n_planted} ({_interval(*se)})", f"{r.n_controls_passed} of {r.n_controls} ({_interval(*sp)})",
                corrected,
            )
        )  # fmt: skip
    return table(
        ("criterion", "flagged", "as judged", "planted defects seen", "good items passed", "corrected for its errors"),
        rows,
        note=f"{found.teacher} {found.model}, {count(found.n_questions, 'original question')}, {count(found.n_asked, 'request')}, "
        f"{found.n_unanswered:,} without a usable reply. Good items are generated problems with rules that are right by construction.",
    )  # fmt: skip


def settings(result: Audit) -> Table:
    """Options and hashes."""
    rows = [("records.parquet, sha256", result.records_sha256)]
    rows += [(key.replace("_", " "), str(value)) for key, value in result.options.items()]
    return table(("setting", "value"), rows)
