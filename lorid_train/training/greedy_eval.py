"""Measuring a role while it trains: greedy answers of a few validation rows, graded.

Reasoners are graded on their answer. The knowledge generator has no answer, and a program is not run
while its role trains: their texts count as right if they are the teacher's, white space at the ends aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lorid_data import answers
from lorid_data.schema import Record
from lorid_train import formats, roles


@dataclass(frozen=True, slots=True)
class GreedyEval:
    """Prompts as token ids, and what a right text is compared with."""

    prompts: list[list[int]]
    expected: list[str | answers.Accepted]
    by_answer: bool
    """Whether the answers in the texts are compared; otherwise the texts."""

    def share_right(self, texts: Sequence[str]) -> float:
        """The share of texts that are right, 0 to 1."""
        right = [self._is_right(t, e) for t, e in zip(texts, self.expected, strict=True)]
        return sum(right) / len(right)

    def _is_right(self, text: str, expected: str | answers.Accepted) -> bool:
        if not self.by_answer and isinstance(expected, str):
            return text.strip() == expected.strip()
        found = answers.extract(text)
        if not isinstance(found, answers.Answer):
            return False
        return str(answers.equal(found.value, expected)) == "equal"


def make_greedy_eval(
    role: roles.Role, records: Iterable[Record], fmt: formats.Format, tokenizer: Any, n: int
) -> GreedyEval:
    """The first `n` rows that the role can be asked, as prompts; gold enters in the grading only."""
    by_answer = role.states_answer and role.answer_from == "text"
    prompts: list[list[int]] = []
    expected: list[str | answers.Accepted] = []
    usable = ((r, e) for r in records for e in roles.examples(role, [r])[0] if e.part == role.name)
    for record, example in islice(usable, n):
        prompts.append(fmt.prompt_ids(tokenizer, example.content))
        gold = answers.reference(record.answer, record.accepted)
        expected.append(gold if by_answer else example.target)
    return GreedyEval(prompts, expected, by_answer)


def greedy_texts(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[list[int]],
    stop: list[int],
    *,
    max_new_tokens: int,
    batch: int = 16,
) -> list[str]:
    """What the model writes after each prompt, greedily; it leaves the random state alone."""
    import torch

    was_training = model.training
    model.eval()
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else stop[0]
    texts: list[str] = []
    with torch.no_grad():
        for start in range(0, len(prompts), batch):
            part = prompts[start : start + batch]
            width = max(map(len, part))
            ids = torch.tensor([[pad] * (width - len(p)) + p for p in part], device=model.device)
            mask = torch.tensor(
                [[0] * (width - len(p)) + [1] * len(p) for p in part], device=model.device
            )
            made = model.generate(
                input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=max_new_tokens,
                eos_token_id=stop, pad_token_id=pad, use_cache=True,
            )  # fmt: skip
            texts += [_text(tokenizer, row, set(stop)) for row in made[:, width:].tolist()]
    model.train(was_training)
    return texts


def _text(tokenizer: Any, ids: list[int], stop: set[int]) -> str:
    """The text before the first stop token."""
    end = next((i for i, token in enumerate(ids) if token in stop), len(ids))
    return str(tokenizer.decode(ids[:end], skip_special_tokens=True))
