"""What the rule `cg_votes` counts, as a file: JSON, checked whole, with what it was fitted on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from lorid_data.errors import ConfigError
from lorid_data.schema import FrozenModel, Record, sha256_text
from lorid_data.texts.counting import count
from lorid_train.interaction.fitted_files import among, read
from lorid_train.interaction.three_way import EQUAL, Votes

Weight = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e6)]


class VotesFile(FrozenModel):
    """`votes.json`: what `lorid-train fit-votes` writes and `--votes-file` reads."""

    schema_version: Literal[1] = 1
    ir: Weight
    dr: Weight
    cg: Weight
    cg_ungrounded: Weight
    ahead: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1e6)]
    sources: tuple[str, ...] = ()
    """sha256 of the manifests of the evaluations that it was fitted on."""
    questions: tuple[str, ...] = ()
    """Ids of the questions that it was fitted on, and of those that they are variants of."""

    @property
    def votes(self) -> Votes:
        """The weights as the rule takes them."""
        return Votes(self.ir, self.dr, self.cg, self.cg_ungrounded, self.ahead)

    @property
    def sha256(self) -> str:
        """Of the file's text: the weights' name in an evaluation's identity."""
        return sha256_text(self.text())

    def text(self) -> str:
        """The file's text: one spelling per content."""
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"

    def refuse_fitted_on(self, records: Iterable[Record], where: str) -> None:
        """Refuse questions that the weights were fitted on, and variants of them.

        Raises:
            ConfigError: there are some.
        """
        rows = {r.problem_id: r for r in records}
        hit = among(self.questions, rows.values())
        if hit:
            msg = (
                f"{where}: the votes were fitted on {count(len(hit), 'question')} of the {len(rows):,} that they are "
                f"to decide, the first is {hit[0].question[:80]!r}; fit them on an evaluation of a validation split "
                "(lorid-train fit-votes EVAL --out votes.json)"
            )
            raise ConfigError(msg)


DEFAULT = VotesFile(
    ir=EQUAL.ir, dr=EQUAL.dr, cg=EQUAL.cg, cg_ungrounded=EQUAL.cg_ungrounded, ahead=EQUAL.ahead
)
"""Where nothing was fitted."""


def load(path: str | Path | None) -> VotesFile:
    """The weights of a file; one vote each where none is named.

    Raises:
        ConfigError: it cannot be read, or holds no weights of this version.
    """
    return (
        DEFAULT if path is None else read(Path(path), VotesFile, "votes", "lorid-train fit-votes")
    )
