"""Scores, intervals and comparisons: the one place where the gold answer enters.

`grade` turns one problem's draws into small graded votes, `outcomes` those into one outcome per
system, `summarise` those into the numbers of `metrics.json`. The loop's rule is an argument
(`decide`): nothing here imports it, torch, or an engine.

Entry: `grading.grade`, `systems.outcomes`, `summary.summarise`; `official.official_evaluate`, which
    stands here too.
Read: `grading`, `voting`, `systems`, `curves`, `schedule`, `intervals`, `numbers`, `comparisons`,
    `wins`, `summary`, `files`; `official` stands alone.
Imports: roles, and of interaction the row types (`draws`) only; of `lorid_data`: answers,
    intervals, schema, errors.
"""

from lorid_train.metrics.official import official_evaluate

__all__ = ["official_evaluate"]
