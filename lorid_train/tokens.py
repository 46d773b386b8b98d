"""Rows of a role as token ids with labels: loss on the target and its end token only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lorid_data.schema import Disposition, Record, Reject, RejectReason
from lorid_train import formats, roles

IGNORED = -100
"""The label of a token without loss."""


@dataclass(frozen=True, slots=True)
class RoleData:
    """Tokenised rows of one role, and the records that became none."""

    rows: list[dict[str, list[int]]]
    """Each: input_ids (T,) and labels (T,), -100 on the prompt."""
    rejects: list[Reject]
    n_tokens: int
    n_target_tokens: int


def tokenise(
    role: roles.Role,
    records: list[Record],
    fmt: formats.Format,
    tokenizer: Any,
    *,
    max_tokens: int,
) -> RoleData:
    """Rows of a role as token ids with labels. A row that is too long is rejected, never cut."""
    made, rejects = roles.examples(role, records)
    by_id = {r.row_id: r for r in records}
    rows, n_tokens, n_target = [], 0, 0
    for example in made:
        prompt = fmt.prompt_ids(tokenizer, example.content)
        target = fmt.target_ids(tokenizer, example.target)
        if len(prompt) + len(target) > max_tokens:
            record = by_id[example.row_id]
            rejects.append(
                Reject(
                    row_id=example.row_id,
                    stage=f"sft:{role.name}",
                    disposition=Disposition.DROP,
                    reason=RejectReason.TOO_LONG,
                    detail=f"{len(prompt)} prompt + {len(target)} target tokens, at most {max_tokens}",
                    problem_id=record.problem_id,
                    split=record.split,
                )
            )
            continue
        rows.append({"input_ids": prompt + target, "labels": [IGNORED] * len(prompt) + target})
        n_tokens += len(prompt) + len(target)
        n_target += len(target)
    return RoleData(rows, rejects, n_tokens, n_target)
