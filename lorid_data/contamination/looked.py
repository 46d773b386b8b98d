"""A batch of a dataset held against one test set, and what all batches together say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lorid_data.contamination.index import index_of
from lorid_data.contamination.matches import Match, MatchKind, Questions, matches_of
from lorid_data.contamination.overlap import as_gpt3, as_open_r1, sharing
from lorid_data.contamination.test_set import TestSet


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions, and rules of knowledge, that no batch before had."""

    questions: Questions
    rules: Sequence[str]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a batch shares with a test set.

    Attributes:
        n_questions: how many questions it has.
        matches: question after question, the strongest first.
        sharing: by how others count, how many texts share a run of words, and with which test questions.
    """

    n_questions: int
    matches: Sequence[Match]
    sharing: Mapping[str, tuple[int, frozenset[int]]]


def look(tests: TestSet, batch: Batch) -> Looked:
    """Hold a batch against a test set; what it says depends on these two alone."""
    index, texts = index_of(tests), batch.questions.texts
    return Looked(
        len(texts),
        matches_of(batch.questions, index),
        {
            "open_r1_8": sharing(texts, index.open_r1_8, 8, as_open_r1),
            "gpt3_13": sharing(texts, index.gpt3_13, 13, as_gpt3),
            "knowledge_8": sharing(batch.rules, index.gpt3_8, 8, as_gpt3),
        },
    )


@dataclass(slots=True)
class Tally:
    """What all batches share with one test set: a few numbers, whatever the number of batches."""

    tests: TestSet
    n_questions: int = 0
    by_rule: Counter[MatchKind] = field(default_factory=Counter)
    n_texts: Counter[str] = field(default_factory=Counter)
    hit: dict[str, set[int]] = field(default_factory=dict)

    def add(self, looked: Looked) -> None:
        """Count a batch."""
        self.n_questions += looked.n_questions
        strongest = {m.problem_id: m.rule for m in reversed(looked.matches)}
        self.by_rule.update(strongest.values())
        for name, (n, hit) in looked.sharing.items():
            self.n_texts[name] += n
            self.hit.setdefault(name, set()).update(hit)

    def figures(self) -> dict[str, Any]:
        """What was found, and what others would count, for a manifest."""
        return {
            **self.tests.identity(),
            "n_test_questions": len(self.tests.questions),
            "n_pairs_compared": len(self.tests.questions) * self.n_questions,
            "n_questions_by_rule": {r.value: self.by_rule[r] for r in MatchKind},
            "n_sharing_words": {
                name: {
                    "questions": self.n_texts[name],
                    "test_questions": len(self.hit.get(name, ())),
                }
                for name in ("open_r1_8", "gpt3_13", "knowledge_8")
            },
        }
