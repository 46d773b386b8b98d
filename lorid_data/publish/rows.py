"""What each published configuration holds: pure functions of one record.

| configuration | a row |
| --- | --- |
| `default` | the record, without its provenance |
| `ir`, `kg`, `dr` | row_id, prompt, completion: ready for `trl.SFTTrainer` |
| `cg` | the same of a program that was run and gives the answer, with how it was made and run |
| `provenance` | row_id and problem_id with where the knowledge comes from |
| `rejects` | a row that a stage did not pass on, with stage and reason |

All of them join by row_id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lorid_data import role_texts
from lorid_data.pass_rates import PassRate
from lorid_data.schema import (
    PROGRAM_COLUMNS,
    Provenance,
    Record,
    Reject,
)

if TYPE_CHECKING:
    import pyarrow as pa

CONFIGS = ("default", "ir", "kg", "dr", "cg", "provenance", "rejects")
"""In the order in which a card lists them."""
ROLES = ("ir", "kg", "dr")
Columns = Mapping[str, str]
"""Annotation of each column, by name."""

_RECORD: Columns = {
    n: str(a)
    for n, a in Record.__annotations__.items()
    if n not in ("provenance", *PROGRAM_COLUMNS)
}
_PROVENANCE: Columns = {
    "row_id": "str",
    "problem_id": "str",
    **{n: str(a) for n, a in Provenance.__annotations__.items()},
}
_ROLE: Columns = {"row_id": "str", "prompt": "str", "completion": "str"}
_RUN = tuple(n for n in PROGRAM_COLUMNS if n != "program")
COLUMNS: Mapping[str, Columns] = {
    "default": _RECORD,
    **dict.fromkeys(ROLES, _ROLE),
    "cg": {**_ROLE, **dict.fromkeys(_RUN, "str | None")},
    "provenance": _PROVENANCE,
    "rejects": {n: str(a) for n, a in Reject.__annotations__.items()},
}


def arrow_schema(config: str) -> pa.Schema:
    """The parquet schema of a configuration."""
    import pyarrow as pa

    kinds = {
        "int | None": pa.int64(),
        "float | None": pa.float64(),
        "tuple[str, ...]": pa.list_(pa.string()),
        "tuple[PassRate, ...] | None": pa.list_(pa.struct(_pass_rate())),
    }
    return pa.schema([(n, kinds.get(a, pa.string())) for n, a in COLUMNS[config].items()])


def _pass_rate() -> list[tuple[str, pa.DataType]]:
    import pyarrow as pa

    kinds = {"int": pa.int64(), "float": pa.float64(), "tuple[str, ...]": pa.list_(pa.string())}
    own = {n: str(a) for n, a in PassRate.__annotations__.items() if n in PassRate.model_fields}
    return [(n, kinds.get(a, pa.string())) for n, a in own.items()]


def rows_of(record: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows that one record becomes, by configuration.

    A record without knowledge is no example of KG or DR; one without an answer none of IR or DR; one whose
    program was not run with success none of CG.
    """
    yield "default", {n: record[n] for n in _RECORD}
    provenance = record["provenance"]
    yield (
        "provenance",
        {n: record[n] if n in ("row_id", "problem_id") else provenance.get(n) for n in _PROVENANCE},
    )
    rules = role_texts.knowledge_text(record["knowledge"])
    solved = None
    for role in ROLES:
        if role in role_texts.NEEDS_KNOWLEDGE and not record["knowledge"]:
            continue
        if role in role_texts.NEEDS_ANSWER and not record["answer"]:
            continue
        if role != "kg" and solved is None:
            solved = role_texts.solution(record["rationale"], record["answer"])
        content = role_texts.content(role, record["question"], rules)
        yield (
            role,
            {
                "row_id": record["row_id"],
                "prompt": role_texts.plain_prompt(content),
                "completion": rules if role == "kg" else solved,
            },
        )
    if record["program"] and record["program_status"] == "ok":
        yield "cg", _cg(record)


def _cg(record: Mapping[str, Any]) -> dict[str, Any]:
    """The program of a record as an example of the role that writes programs."""
    return {
        "row_id": record["row_id"],
        "prompt": role_texts.plain_prompt(role_texts.content("cg", record["question"])),
        "completion": record["program"],
        **{n: record[n] for n in _RUN},
    }
