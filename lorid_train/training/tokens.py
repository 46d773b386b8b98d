"""Rows of a role as token ids with labels: loss on the target and its end token only.

Rows pass one by one from the records into a file on disk, so that memory does not grow with
their number.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.errors import ConfigError
from lorid_data.schema import Disposition, Record, Reject, RejectReason
from lorid_train import formats, roles
from lorid_train.training.unwritable import Unwritable

if TYPE_CHECKING:
    from datasets import Dataset

IGNORED = -100
"""The label of a token without loss."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One row of a role: ids and labels of the same length T, labels -100 on the prompt."""

    row_id: str
    """The record's; with the role in brackets where the example is that of another role."""
    input_ids: list[int]
    labels: list[int]

    @property
    def n_prompt(self) -> int:
        """Tokens before the target."""
        return self.labels.count(IGNORED)


@dataclass(slots=True)
class RoleCounts:
    """What tokenising the records of one role gave."""

    n_in: int = 0
    """Examples that the records could give: one each, or one per role whose examples are used."""
    n_target_tokens: int = 0
    lengths: array[int] = field(default_factory=lambda: array("i"))
    """Tokens of each row, prompt and target."""
    target_lengths: array[int] = field(default_factory=lambda: array("i"))
    """Tokens of each row's target."""
    row_ids: list[bytes] = field(default_factory=list)
    """What each row is called (`TokenRow.row_id`), as bytes."""
    ease: array[float] = field(default_factory=lambda: array("d"))
    """How easy each row is (`difficulty.ease`), where that is asked for; NaN where it is unknown."""
    rejects: list[Reject] = field(default_factory=list)
    special: list[str] = field(default_factory=list)
    """Rows that hold what reads like a special token of the tokenizer; it is trained as text."""
    unwritable: dict[str, int] = field(default_factory=dict)
    """What the base model can never write, and in the targets of how many rows it stands."""
    n_with_unwritable: int = 0
    """Rows whose targets hold any of it."""

    @property
    def n_rows(self) -> int:
        """Rows that the role trains on."""
        return len(self.lengths)

    @property
    def n_tokens(self) -> int:
        """Tokens of all rows."""
        return sum(self.lengths)


def tokenise(
    role: roles.Role,
    records: Iterable[Record],
    fmt: formats.Format,
    tokenizer: Any,
    *,
    max_tokens: int,
    counts: RoleCounts,
    unwritable: Unwritable | None = None,
    ease: Callable[[Record], float] | None = None,
) -> Iterator[TokenRow]:
    """Rows of a role. A row that is too long is rejected, never cut; `counts` is filled on the way.

    `unwritable` finds what of a target the base model cannot write, to be counted.
    """
    for record in records:
        made, rejects = roles.examples(role, [record])
        counts.n_in += len(made) + len(rejects)
        counts.rejects += rejects
        for example in made:
            prompt = fmt.prompt_ids(tokenizer, example.content)
            target = fmt.target_ids(tokenizer, example.target)
            n_tokens = len(prompt) + len(target)
            if n_tokens > max_tokens:
                detail = f"{len(prompt)} prompt + {len(target)} target tokens, at most {max_tokens}"
                stage = roles.stage_of(role, example.part)
                counts.rejects.append(_too_long(stage, record, detail))
                continue
            counts.lengths.append(n_tokens)
            counts.target_lengths.append(len(target))
            name = _name(role, example)
            counts.row_ids.append(name.encode())
            if ease is not None:
                counts.ease.append(ease(record))
            counts.n_target_tokens += len(target)
            if any(formats.holds_special(tokenizer, t) for t in (example.content, example.target)):
                counts.special.append(name)
            if unwritable is not None and (found := unwritable.of(example.target, target)):
                counts.n_with_unwritable += 1
                counts.unwritable |= {text: counts.unwritable.get(text, 0) + 1 for text in found}
            yield TokenRow(name, prompt + target, [IGNORED] * len(prompt) + target)


def _name(role: roles.Role, example: roles.RoleExample) -> str:
    """What a row is called: its record's row_id, and whose example it is where that is another's."""
    return example.row_id if example.part == role.name else f"{example.row_id} ({example.part})"


def _too_long(stage: str, record: Record, detail: str) -> Reject:
    return Reject(
        row_id=record.row_id,
        stage=stage,
        disposition=Disposition.DROP,
        reason=RejectReason.TOO_LONG,
        detail=detail,
        problem_id=record.problem_id,
        split=record.split,
    )


def known_ids(rows: Iterable[TokenRow], n_known: int, where: str) -> Iterator[TokenRow]:
    """The rows, each checked against the number of tokens that the base model has.

    Raises:
        ConfigError: a row holds an id beyond it; the model would fail deep inside, or on a GPU
            read another memory.
    """
    for row in rows:
        top = max(row.input_ids)
        if top >= n_known:
            msg = (
                f"row {row.row_id}: the tokenizer gave the id {top}, and {where} knows 0 to {n_known - 1}; "
                "the tokenizer is another model's, or had tokens added without new embeddings"
            )
            raise ConfigError(msg)
        yield row


def write_token_rows(path: Path, rows: Iterable[TokenRow], *, at_once: int = 256) -> None:
    """Write rows to an Arrow file, a few at a time.

    Columns: input_ids, labels and row (the row's number, once per token, so that a pack of
    several rows still says which they are).
    """
    import pyarrow as pa

    numbers = pa.list_(pa.int32())
    schema = pa.schema({"input_ids": numbers, "labels": numbers, "row": numbers})
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        batch: list[dict[str, list[int]]] = []
        for i, row in enumerate(rows):
            n = len(row.input_ids)
            batch.append({"input_ids": row.input_ids, "labels": row.labels, "row": [i] * n})
            if len(batch) == at_once:
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
                batch = []
        if batch:
            writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))


def read_dataset(path: Path, *, pack_to: int | None = None) -> Dataset:
    """The rows of such a file as a dataset that stays on disk; packed into rows of `pack_to` tokens.

    Packing is best fit, decreasing: no row is cut, since none is longer than `pack_to`.
    """
    from datasets import Dataset

    dataset = Dataset.from_file(str(path))
    if pack_to is not None:
        from datasets.utils.logging import disable_progress_bar
        from trl import pack_dataset

        disable_progress_bar()
        dataset = pack_dataset(dataset, pack_to, "bfd")
    return dataset
