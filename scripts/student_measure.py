"""What the tiny student can do before it has an adapter: greedy, in fp32, on unseen text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from student_text import OPERATORS, held_out_facts

from lorid_data.schema import Problem
from lorid_data.sources.arithmetic.generate import load
from lorid_data.sources.concepts import generate as concepts

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

BATCH = 100
WORLD = 1_000
"""The world of concepts that the base is measured on; studies use others."""


@dataclass(frozen=True, slots=True)
class Ability:
    """One measured ability: how many of `n` were right."""

    name: str
    n_right: int
    n: int


def measure(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, n_facts: int, n_problems: int
) -> list[Ability]:
    """Facts that the corpus does not hold, rationales of unseen problems, definitions followed.

    A rationale counts as right when the model continues the question with it word for word; with
    a concept, when it does so after the definition, and after the question alone.
    """
    found = [_facts(model, tokenizer, op, n_facts) for op in OPERATORS]
    for split in ("test", "heldout"):
        problems = list(islice(load(split), n_problems))
        right = _solved(model, tokenizer, problems, stated=False)
        found.append(Ability(f"rationales of `{split}`, word for word", right, len(problems)))
    problems = concepts.load("test", seed=WORLD)[:n_problems]
    for stated, how in ((True, "definition stated"), (False, "definition not stated")):
        right = _solved(model, tokenizer, problems, stated=stated)
        found.append(Ability(f"rationales of `concepts`, {how}", right, len(problems)))
    return found


def _solved(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    problems: Sequence[Problem],
    *,
    stated: bool,
) -> int:
    """How many rationales come out word for word, after the knowledge or the question alone."""
    given = ["\n".join((p.question, *(p.knowledge if stated else ()), "")) for p in problems]
    asked = [[tokenizer.bos_token_id, *tokenizer.encode(text)] for text in given]
    replies = complete(model, tokenizer, asked, n_new_tokens=80)
    rationales = [r.partition("\n-->")[0] for r in replies]
    return sum(r == p.rationale for r, p in zip(rationales, problems, strict=True))


def _facts(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, operator: str, n: int
) -> Ability:
    facts = held_out_facts(operator, n, seed=0)
    equals = equals_id(tokenizer)
    ids = [[tokenizer.bos_token_id, *tokenizer.encode(f)] for f in facts]
    asked = [x[: x.index(equals) + 1] for x in ids]
    replies = complete(model, tokenizer, asked, n_new_tokens=5)
    expected = [f.split(" = ")[1] for f in facts]
    right = sum(r.split(".")[0] == e for r, e in zip(replies, expected, strict=True))
    return Ability(f"held-out facts with `{operator}`", right, len(facts))


def equals_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """The id of the equals sign with the spaces around it."""
    return int(tokenizer.encode("1 = 2")[1])


def complete(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    asked: Sequence[list[int]],
    n_new_tokens: int,
) -> list[str]:
    """Greedy continuations of token prompts, special tokens left out, `BATCH` at a time."""
    import torch

    made: list[str] = []
    model.eval()
    for i in range(0, len(asked), BATCH):
        batch = tokenizer.pad({"input_ids": list(asked[i : i + BATCH])}, return_tensors="pt")
        with torch.inference_mode():
            ids = model.generate(**batch, max_new_tokens=n_new_tokens, do_sample=False)
        new = ids[:, batch["input_ids"].shape[1] :]
        made += tokenizer.batch_decode(new, skip_special_tokens=True)
    return made
