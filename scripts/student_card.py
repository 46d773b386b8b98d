"""The model card of the tiny student, with every number taken from the run that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from student_measure import Ability

CARD = """\
---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [tiny, arithmetic, word-problems]
---
# A tiny student for trying LoRID on a CPU

A Llama of {n_parameters:,} parameters (192 wide, 4 layers, 6 heads, tied embeddings), trained from
scratch on problems made by rule. It knows small whole-number arithmetic and the language of the
`arithmetic` source, and nothing else: on other text, GSM8K included, expect nonsense. It exists so
that three adapters can be trained and evaluated in minutes, offline.

| | |
| --- | --- |
| weights | `model.safetensors`, fp16, {n_bytes:,} bytes |
| sha256 of the weights | `{sha256}` |
| tokenizer | byte-level BPE, {n_vocabulary:,} tokens: any text can be encoded, a digit is a token |
| licence | Apache-2.0, weights and data |

## What it can do

Greedy, fp32, no adapter. No document of its corpus holds the facts or the problems asked here.

| | right | of | fraction |
| --- | --- | --- | --- |
{abilities}

The last loss (mean of 50 steps) is {loss:.4f} nats a token.

## Data

The train split of the `arithmetic` source alone (its validation, test and held-out families are
not read), as text without roles:

* 10 of 20 documents: twelve facts such as `48 + 24 = 72.`, loss on the results only. Sums and
  differences of a number up to 159 and one up to 99, products and quotients with a factor up to
  99 and one up to 20; no number above 200. One fact in 20, by sha256, is held out; problems whose
  rationale states such a fact are left out too.
* 7 of 20: a question and its rationale. 2 of 20: a question, its rules and its rationale.
  1 of 20: a question and its rules. Loss on what follows the question.

The prompts of the three roles, and the ending `--> N END`, do not occur: they are left for the
adapters to learn.

## Training

    {command}

{n_steps:,} steps of {n_rows} x {length} tokens ({n_tokens:,} tokens), Muon for the matrices and AdamW for the
rest, bfloat16 autocast on a CPU: {cpu_s:,.0f} CPU-seconds, {wall_s:,.0f} s of wall time with
{threads} threads. The same command gives the same weights only on the same kind of processor with
the same libraries: {libraries}.
"""


def card(abilities: Sequence[Ability], facts: Mapping[str, object]) -> str:
    """The card's text; `facts` has a value for each other placeholder of `CARD`."""
    lines = [f"| {a.name} | {a.n_right} | {a.n} | {a.n_right / a.n:.3f} |" for a in abilities]
    return CARD.format_map({**facts, "abilities": "\n".join(lines)})
