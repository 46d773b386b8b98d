"""What each role reads and writes, as plain text: for training and for publishing alike.

| role | prompt          | reads                  | writes                 |
| ---- | --------------- | ---------------------- | ---------------------- |
| ir   | `roles/ir.v1`   | question               | rationale and answer   |
| kg   | `roles/kg.v1`   | question               | knowledge              |
| dr   | `roles/dr.v1`   | question and knowledge | rationale and answer   |
| cg   | `roles/cg.v1`   | question               | program                |

Texts follow the official repository (commit 284c947, src/train.py and src/predict.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import yaml

from lorid_data import answers, prompts

PROMPTS = {"ir": "roles/ir.v1", "kg": "roles/kg.v1", "dr": "roles/dr.v1", "cg": "roles/cg.v1"}
"""The prompt file of each role."""
READS_KNOWLEDGE = frozenset({"dr"})
NEEDS_KNOWLEDGE = frozenset({"kg", "dr"})
"""Roles of which a record without knowledge can be no example."""
NEEDS_ANSWER = frozenset({"ir", "dr"})
"""Roles of which a record without an answer can be no example."""
_ANNOTATION = re.compile(r"<<[^<>]*>>")


def knowledge_text(rules: Iterable[str]) -> str:
    """How a list of rules is shown to a model: one rule a line."""
    return "\n".join(rules)


def content(role: str, question: str, knowledge: str = "") -> str:
    """The role's text for one question, before any format; nothing is stripped."""
    return filled(PROMPTS[role], question, knowledge if role in READS_KNOWLEDGE else None)


def filled(prompt_id: str, question: str, knowledge: str | None) -> str:
    """A role's prompt file with its values; knowledge is None for a role that reads none."""
    values = {"question": question} | ({} if knowledge is None else {"knowledge": knowledge})
    text = prompts.load(prompt_id).fill(**values)
    # LLaMA-Factory joins instruction and input by a line break, and leaves out an empty input.
    return text if question else text.removesuffix("\n")


def solution(rationale: str, answer: str) -> str:
    """Rationale and answer as IR and DR write them.

    A rationale that already states the answer in a box is left alone (MATH); otherwise the
    answer follows as `--> ANSWER END` (GSM8K). GSM8K's calculator annotations `<<48/2=24>>` are
    left out, as in the data the method was published with.
    """
    text = _ANNOTATION.sub("", rationale)
    if "box" in text:  # spares the search in the many texts that cannot have one
        found = answers.extract(text)
        if isinstance(found, answers.Answer) and found.found_by == "boxed":
            return text
    return f"{text}\n--> {answer} END"


@cache
def _plain() -> str:
    text = (prompts.root() / "formats" / "plain.yaml").read_text(encoding="utf-8")
    return str(yaml.safe_load(text)["prompt"])


def plain_prompt(content: str) -> str:
    """A role's text in the format `plain`, which needs no tokenizer's template."""
    return _plain().replace("{content}", content, 1)
