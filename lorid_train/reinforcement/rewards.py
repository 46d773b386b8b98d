"""An answer to a reward, and what the answers of one question look like beside each other. Pure.

The reward is fixed before training: 1 for the target, 0 for another answer or none. An answer that
the equality cannot read is no reward at all, neither right nor wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lorid_data.answers import Accepted
from lorid_train.interaction.rules import agree, answer_of
from lorid_train.metrics.grading import score
from lorid_train.metrics.rows import Verdict
from lorid_train.metrics.voting import cluster

Payment = Callable[["str | None"], "float | None"]
"""What an answer of one question is worth, 0 to 1; None where it cannot be told."""


def for_gold(gold: str | Accepted) -> Payment:
    """1 for the reference answer, or one of several; None where the grader cannot read the answer."""

    @lru_cache(maxsize=4096)
    def pay(answer: str | None) -> float | None:
        verdict = score(answer, gold)
        return None if verdict == Verdict.UNGRADABLE else float(verdict == Verdict.CORRECT)

    return pay


def for_label(label: str) -> Payment:
    """1 for the label of stored draws."""
    return lambda answer: float(agree(answer, label))


def for_partner(answers: Sequence[str | None]) -> Payment:
    """The share of a frozen partner's stored draws that state the same answer: its expected agreement."""

    def pay(answer: str | None) -> float:
        return sum(agree(answer, a) for a in answers) / len(answers)

    return pay


@dataclass(frozen=True, slots=True)
class Looks:
    """Means over the answers of a batch.

    Attributes:
        distinct: distinct answers of a question.
        shared_wrong: share of answers that are paid nothing and that another answer of the question repeats.
        without_answer: share of texts that state none.
    """

    distinct: float
    shared_wrong: float
    without_answer: float


def looks(keys: Sequence[int], texts: Sequence[str], paid: Sequence[float | None]) -> Looks:
    """What a batch of answers looks like.

    Args:
        keys: each text's question.
        texts: what was written.
        paid: its reward.
    """
    of: dict[int, list[int]] = {}
    for i, key in enumerate(keys):
        of.setdefault(key, []).append(i)
    n_distinct, n_shared = 0, 0
    for group in of.values():
        clusters = cluster([answer_of(texts[i]) for i in group])
        stated = Counter(c for c in clusters if c is not None)
        n_distinct += len(stated)
        wrong = [c for i, c in zip(group, clusters, strict=True) if c is not None and paid[i] == 0]
        n_shared += sum(stated[c] > 1 for c in wrong)
    n_none = sum(answer_of(t) is None for t in texts)
    return Looks(n_distinct / len(of), n_shared / len(texts), n_none / len(texts))


class Reward:
    """What `GRPOTrainer` calls: texts to rewards, with what they look like for its log."""

    __name__ = "reward"

    def __init__(self, payments: Mapping[int, Payment]) -> None:
        self._payments = payments

    def __call__(
        self,
        completions: Sequence[str],
        key: Sequence[int],
        log_metric: Callable[[str, float], None],
        **_: object,
    ) -> list[float | None]:
        """The reward of each text; `key` is the number of its question."""
        paid = [self._payments[k](answer_of(t)) for k, t in zip(key, completions, strict=True)]
        seen = looks(key, completions, paid)
        log_metric("answers/distinct", seen.distinct)
        log_metric("answers/shared_wrong", seen.shared_wrong)
        log_metric("answers/none", seen.without_answer)
        return paid
