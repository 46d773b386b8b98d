"""Scores, intervals and comparisons: the one place of an evaluation where the gold answer enters.

`grade` turns one problem's draws into small graded votes, `outcomes` those into one outcome per
system, `summarise` those into the numbers of `metrics.json`. The loop's rule is an argument
(`decide`): nothing here imports it, torch, or an engine.

Entry: `grading.grade`, `systems.outcomes`, `summary.summarise`; `official.official_evaluate`, re-exported
    here.
Read: `rows`, `official` (the official code's way), `deciding`, `grading`, `voting`, `systems`, `curves`,
    `schedule`; `intervals`, `significance` (McNemar, Holm), `numbers`, `comparisons` (which systems
    are compared), `properties` (what questions are like), `wins`, `contrasts`, `abstaining`, `calibration`, `programs`, `program_votes`,
    `summary`, `files`, `trained` (the warning
    of questions that were trained on).
Imports: roles, and of interaction the row types (`draws`) and what votes of programs count; of `lorid_data`: answers, folders,
    intervals, texts, schema, errors.
"""

from lorid_train.metrics.official import official_evaluate

__all__ = ["official_evaluate"]
