"""What the votes of IR, DR and CG are worth, from finished evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lorid_data.commandline import result
from lorid_data.commandline.progress import say
from lorid_data.errors import InputError
from lorid_data.folders.files import write_text
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.names import RECORDS
from lorid_data.folders.outputs import check_output
from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Record
from lorid_data.texts.counting import count
from lorid_train.fit_rule.rule import read_graded
from lorid_train.interaction.votes_files import VotesFile
from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.program_votes import fitted


def fit_and_write(evaluations: Sequence[Path], out: Path) -> None:
    """Write the weights that evaluations give, and say them."""
    check_output(out, b'{"schema_version":', "a JSON file")
    made, n = fitted_file(evaluations)
    write_text(out, made.text())
    lines = [
        f"fitted on {count(n, 'question')}: a vote of IR counts {made.ir:.2f}, of DR {made.dr:.2f}, of CG {made.cg:.2f} "
        f"where its program keeps to the question, else {made.cg_ungrounded:.2f}; closed at a lead of {made.ahead:.2f}",
        f"votes: {out}",
    ]
    result.show("\n".join(lines), {**made.model_dump(mode="json", exclude={"questions"}), "out": str(out)})  # fmt: skip


def fitted_file(folders: Sequence[Path]) -> tuple[VotesFile, int]:
    """The weights that finished evaluations give, and on how many questions.

    Raises:
        ConfigError: no finished evaluation.
        InputError: an evaluation without programs, or a question that stands in two of them.
    """
    graded: list[GradedProblem] = []
    ids: set[str] = set()
    seen: set[tuple[str, int]] = set()
    for folder in folders:
        found = read_graded(folder)
        records = {r.problem_id: r for r in read_rows(folder / RECORDS, Record)}
        if not any(role == "cg" for g in found for role, _ in g.by_round):
            msg = (
                f"{folder}: no program was sampled; evaluate a validation split with --rule any_two "
                "--schedule exhaustive --rounds 10 --votes none"
            )
            raise InputError(msg)
        keys = {(g.gold.problem_id, g.seed) for g in found}
        if keys & seen:
            msg = f"{folder}: a question of it stands in another evaluation under the same seed, too; name each once"
            raise InputError(msg)
        if any(r.split == "test" for r in records.values()):
            say(f"note: {folder} has questions of the split 'test'; the votes will be refused on each of them")  # fmt: skip
        seen |= keys
        graded += found
        ids |= {i for r in records.values() for i in (r.problem_id, r.original_id)}
    v = fitted(graded)
    made = VotesFile(
        ir=v.ir, dr=v.dr, cg=v.cg, cg_ungrounded=v.cg_ungrounded, ahead=v.ahead,
        sources=tuple(manifest_sha256(f) for f in folders), questions=tuple(sorted(ids)),
    )  # fmt: skip
    return made, len({p for p, _ in seen})
