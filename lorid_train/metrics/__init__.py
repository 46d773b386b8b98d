"""Scores, intervals and comparisons: the one place where the gold answer enters.

`grade` turns one problem's draws into small graded votes, `outcomes` those into one outcome per
system, `summarise` those into the numbers of `metrics.json`. The loop's rule is an argument
(`decide`): nothing here imports it, torch, or an engine.
"""

from lorid_train.metrics.comparisons import Pair, compare, compare_runs, families
from lorid_train.metrics.curves import CURVE
from lorid_train.metrics.files import metrics_json, read_metrics
from lorid_train.metrics.grading import (
    Decide,
    Gold,
    GradedProblem,
    Vote,
    answer_type,
    extract_answer,
    gold_of,
    grade,
    score,
)
from lorid_train.metrics.intervals import (
    Interval,
    bootstrap_mean,
    bootstrap_ratio,
    detectable_difference,
    holm,
    mcnemar_exact,
    mean_normal,
    paired_bootstrap,
    wilson,
)
from lorid_train.metrics.numbers import fraction
from lorid_train.metrics.official import (
    OfficialStop,
    n_label_chosen,
    official_evaluate,
    official_grader,
    official_stop,
    official_stops,
)
from lorid_train.metrics.schedule import as_scheduled, planned_votes, votes_to_draw
from lorid_train.metrics.summary import exact_grader, summarise
from lorid_train.metrics.systems import Scored, kind, outcomes
from lorid_train.metrics.voting import cluster, majority, votes_needed, votes_within
from lorid_train.metrics.wins import role_pair

__all__ = [
    "CURVE",
    "Decide",
    "Gold",
    "GradedProblem",
    "Interval",
    "OfficialStop",
    "Pair",
    "Scored",
    "Vote",
    "answer_type",
    "as_scheduled",
    "bootstrap_mean",
    "bootstrap_ratio",
    "cluster",
    "compare",
    "compare_runs",
    "detectable_difference",
    "exact_grader",
    "extract_answer",
    "families",
    "fraction",
    "gold_of",
    "grade",
    "holm",
    "kind",
    "majority",
    "mcnemar_exact",
    "mean_normal",
    "metrics_json",
    "n_label_chosen",
    "official_evaluate",
    "official_grader",
    "official_stop",
    "official_stops",
    "outcomes",
    "paired_bootstrap",
    "planned_votes",
    "read_metrics",
    "role_pair",
    "score",
    "summarise",
    "votes_needed",
    "votes_to_draw",
    "votes_within",
    "wilson",
]
