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
`arithmetic` and `concepts` sources, it follows a definition that stands in its prompt, and it
knows nothing else: on other text, GSM8K included, expect nonsense. It exists so that adapters can
be trained and evaluated in minutes, offline.

| | |
| --- | --- |
| weights | `model.safetensors`, fp16, {n_bytes:,} bytes |
| sha256 of the weights | `{sha256}` |
| tokenizer | byte-level BPE, {n_vocabulary:,} tokens: any text can be encoded, a digit is a token |
| licence | Apache-2.0, weights and data |

## What it can do

Greedy, fp32, no adapter. No document of its corpus holds the facts or the problems asked here, nor
the names of the concepts: invented ones are reserved for worlds by sha256, and the real ones are met in
copied questions and in problems of the `arithmetic` source, never with their meaning (but for
`average`, of which that source has a rule). The last row says that the base does not know them.

| | right | of | fraction |
| --- | --- | --- | --- |
{abilities}

The last loss (mean of 50 steps) is {loss:.4f} nats a token.

## Data

The train split of the `arithmetic` source (its validation, test and held-out families are not read)
and, in the third course, problems of invented concepts whose names no world of the `concepts` source
uses. Documents of 20, by kind:

| | course 1 | course 2 | course 3 | loss on |
| --- | --- | --- | --- | --- |
| twelve facts such as `48 + 24 = 72.` | 10 | 3 | 4.75 | the results |
| question, rationale | 7 | | | the rationale |
| question, rules, rationale | 2 | | | rules and rationale |
| question, rules | 1 | 2 | 0.5 | the rules |
| question, the same question | | 3 | 0.75 | the second one |
| question, rationale, `--> ANSWER END` | | 7 | 1.75 | what follows the question |
| question, rules, rationale, `--> ANSWER END` | | 5 | 1.25 | what follows the rules |
| a new concept: question, definition, rationale, `--> ANSWER END` | | | 5 | what follows the definition |
| a new concept: question, definition, definition, rationale, … | | | 1 | the second definition and on |
| one of 200 fixed concepts: question, definition or rationale or both | | | 4 | what follows the question |
| a real concept: question, the same question | | | 1 | the second one |

Facts: sums and differences of a number up to 159 and one up to 99, products and quotients with a
factor up to 99 and one up to 20; in course 3 up to 200 and 150, and factors up to 100 and 60. No
number above 200. One fact in 20, by sha256, is held out; problems whose rationale states such a fact
are left out too. The prompts of the roles do not occur: they are left for the adapters to learn.

## Training

    python scripts/train_student.py --steps 2400 --seed {seed} --out FIRST
    python scripts/train_student.py --steps 900 --course 2 --seed {seed} --after FIRST --out SECOND
    python scripts/train_student.py --steps 4800 --course 3 --seed {seed} --after SECOND --out DIR

These weights are those of the {course} course. Its {n_steps:,} steps of {n_rows} x {length} tokens
({n_tokens:,} tokens) took {cpu_s:,.0f} CPU-seconds, {wall_s:,.0f} s of wall time on {device}. On a CPU,
the first two courses take 1,324 and 505 CPU-seconds, a step of the third about 0.7. Muon for the
matrices and AdamW for the rest, bfloat16 autocast. The same commands give the same weights only on
the same kind of processor with the same libraries: {libraries}.
"""


def card(abilities: Sequence[Ability], facts: Mapping[str, object]) -> str:
    """The card's text; `facts` has a value for each other placeholder of `CARD`."""
    lines = [f"| {a.name} | {a.n_right} | {a.n} | {a.n_right / a.n:.3f} |" for a in abilities]
    return CARD.format_map({**facts, "abilities": "\n".join(lines)})
