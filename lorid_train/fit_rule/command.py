"""The commands `fit-rule`, `fit-votes` and `route`: their options; what does the work is imported when one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

Many = Parameter(consume_multiple=True)


def fit_rule(
    evaluations: Annotated[list[Path], Many], /, *, out: Path, aim: Literal["loop", "best"] = "loop"
) -> None:
    """Fit what IR's and DR's votes are worth, for --rule weighed and for the probability of each answer.

    The evaluations are of a validation split, with all rounds drawn: --schedule exhaustive --rounds 10 --votes none.
    A rule is refused on questions that it was fitted on.

    Args:
        evaluations: Evaluation folders; their questions are put together.
        out: JSON file.
        aim: When to stop: as cheaply as being right as often as the loop allows, or one point short of the best.
    """
    from lorid_train.fit_rule.rule import fit_and_write

    fit_and_write(evaluations, out, aim)


def fit_votes(evaluations: Annotated[list[Path], Many], /, *, out: Path) -> None:
    """Fit what the votes of IR, DR and CG count, for --rule cg_votes.

    The evaluations are of a validation split, with all rounds of all roles drawn: --rule any_two
    --schedule exhaustive --votes none. The votes are refused on questions that they were fitted on.

    Args:
        evaluations: Evaluation folders; their questions are put together.
        out: JSON file.
    """
    from lorid_train.fit_rule.votes import fit_and_write

    fit_and_write(evaluations, out)


def route(
    evaluations: Annotated[list[Path], Many], /, *, rule_file: Path | None = None, rounds: int = 20
) -> None:
    """Tell from the question alone which way to take, and compare that with one way for all at equal tokens.

    Ways: one draw of IR, one of KG and DR, or the loop with weighed votes. Nothing is drawn: all ways are
    replayed on stored draws, which have to be there (--schedule exhaustive). Five folds by original question.

    Args:
        evaluations: Evaluation folders of the same adapters or of several seeds.
        rule_file: Weights that lorid-train fit-rule wrote; packaged ones by default.
        rounds: The weighed loop's threshold t.
    """
    from lorid_train.fit_rule.route import compared

    compared(evaluations, rule_file, rounds)
