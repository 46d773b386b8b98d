"""The commands `evaluate`, `compare` and `export-draws`, and what is printed of a finished evaluation."""

from __future__ import annotations

import json as json_lines
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from lorid_data.commandline import result

Many = Parameter(consume_multiple=True)
Rule = Literal[
    "same_round", "cumulative", "weighed", "any_two", "cg_must_agree", "cg_alone", "cg_repeat", "cg_votes"
]  # fmt: skip
Fallback = Literal["none", "ir", "dr", "majority", "cg"]


def evaluate(
    *, adapters: Annotated[list[str], Many], dataset: str, out: str, base: str | None = None,
    format: str | None = None, formats: Annotated[list[str] | None, Many] = None,
    split: str | None = None, limit: int | None = None,
    engine: Literal["transformers", "server"] = "transformers",
    server: Annotated[list[str] | None, Many] = None, served: Annotated[list[str] | None, Many] = None,
    rounds: int = 20, schedule: Literal["lazy", "exhaustive"] = "lazy",
    rule: Rule = "same_round", fallback: Fallback = "ir", rule_file: str | None = None,
    votes_file: str | None = None, abstain_below: float | None = None,
    temperature: float | None = None, top_p: float | None = None, top_k: int | None = None, max_new_tokens: int | None = None,
    seed: int = 0, seeds: int = 1, loop: bool = True, votes: Literal["all", "ir", "none"] = "all",
    samples: Annotated[list[str] | None, Many] = None, greedy: Annotated[list[str] | None, Many] = None,
    dtype: Literal["float32", "bfloat16", "float16"] | None = None, batch_size: int | None = None,
    merged: bool = False, threads: int | None = None, text: str | None = None, targets: Annotated[list[str] | None, Many] = None,
    allow_trained_questions: bool = False,
) -> None:  # fmt: skip
    """Run the loop and its alternatives on a dataset's questions, and report. Defaults are the official code's.

    Only the packaged student is sampled as the quickstart does (temperature 0.8 over all tokens, 128 at most), as by `solve`.

    Args:
        adapters: A run folder, ir=FOLDER kg=FOLDER dr=FOLDER …, or OWNER/NAME[@REVISION] of the Hub in their
            place; ir=model:FOLDER or ir=model:OWNER/NAME[@REVISION] lets a whole model play the role.
        dataset: Dataset folder with the questions.
        out: Evaluation folder.
        base: Base model, where it is not the one that the adapters name.
        format: Prompt format of adapters that another program trained; by default told from their chat template.
        formats: Of roles that a whole model plays, ir=FORMAT, ir=PROMPTFILE or ir=FORMAT:PROMPTFILE; chat by default.
        split: Evaluate this split only.
        limit: Evaluate the first so many questions.
        engine: What generates: a model in this process, or vLLM servers with --enable-lora.
        server: Base URLs of the servers, like http://127.0.0.1:8000/v1; they share the work.
        served: Names on the servers, ir=NAME kg=NAME dr=NAME …, the roles' by default; ir=NAME@URL,URL for servers of its own.
        rounds: The loop's threshold t.
        schedule: lazy draws what is needed; exhaustive draws all rounds for all questions.
        rule: When the loop stops: IR and DR agree in a round, or in any so far, or their weighed votes are likely enough; or what programs say: cg_alone, cg_repeat, cg_must_agree, any_two, cg_votes.
        fallback: Who answers without an agreement; under weighed the likeliest answer does, but for none.
        rule_file: Weights that lorid-train fit-rule wrote, for weighed and for every answer's probability; packaged ones by default.
        votes_file: What the rule cg_votes counts, as lorid-train fit-votes wrote it; one vote each by default.
        abstain_below: Withhold answers of the loop that are right with a lower probability than this.
        temperature: Of the sampled draws; 1.5 by default (student: 0.8).
        top_p: Of the sampled draws; 1 switches it off; 0.9 by default (student: 1).
        top_k: Likewise; 0 switches it off; 50 by default (student: 0).
        max_new_tokens: Longest answer; 1024 tokens by default (student: 128).
        seed: Of all draws.
        seeds: Repeat the sampled draws under so many seeds: seed, seed + 1, ….
        loop: Whether to run the interaction loop; --no-loop samples IR alone.
        votes: Roles sampled further after the loop, for majority voting at its cost in tokens.
        samples: Rounds drawn of a role whatever the loop needs, such as ir=40 dr=20 ks=20; DR's come with KG's. gold-knowledge=8: DR on the dataset's own.
        greedy: Greedy systems: ir, kg, ks, ird, cg, and DR by what it reads: gold-, kg-, empty-, shuffled- or other-knowledge.
        dtype: Of the model; float32 on a CPU and bfloat16 on a GPU by default.
        batch_size: Rows generated at once, 64 by default; on servers requests in flight, 256 for each by default; changes no result in float32.
        merged: Merge each adapter into weights of its own: more memory, fewer operations per token.
        threads: CPU threads.
        text: Text file on which to compare the loss of the base with that of each adapter.
        targets: Numbers that others reported, to show beside: "DATASET | MODEL | METHOD | ACCURACY | SOURCE".
        allow_trained_questions: Evaluate on questions that the adapters were trained on, too; the report says so first.
    """
    _evaluate({k: v for k, v in locals().items() if v is not None})
    show(Path(out))


def _evaluate(given: dict[str, Any]) -> None:
    """Evaluate as the options say."""
    from lorid_train.config import EvalConfig, parse
    from lorid_train.evaluation.evaluate import evaluate as evaluate_stage
    from lorid_train.models.adapters import folders_of

    body = {k: v for k, v in given.items() if k in EvalConfig.model_fields}
    for name in ("formats", "served", "samples"):
        body[name] = dict(pair.partition("=")[::2] for pair in given.get(name, ()))
    body["adapters"] = folders_of(given["adapters"])
    evaluate_stage(parse(EvalConfig, body, "evaluate"))


def show(folder: Path) -> None:
    """Print the headline table of an evaluation folder and where its report lies."""
    from lorid_train.report.headline import headline

    page = folder / "report.html"
    body = json_lines.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    result.show(f"{headline(folder)}\nreport: {page}", {"report": str(page), **body})


def compare(evaluations: Annotated[list[Path], Many], /) -> None:
    """Compare finished evaluations, paired on the questions that they share: A − B first of all.

    The difference of the loops with its interval and exact test, every other system that both have,
    the questions that flipped, tokens and time side by side. A first line warns where the questions
    or the settings are not the same. Of more than two: every pair, as a matrix.

    Args:
        evaluations: Two or more evaluation folders.
    """
    from lorid_train.evaluation.comparing import sides
    from lorid_train.report.compared import terminal, warning
    from lorid_train.report.comparing import as_json, compare_all

    found = compare_all(sides(evaluations))
    body = as_json(found)
    for pair, c in zip(body["pairs"], found, strict=True):
        pair["warning"] = warning(c) or None
    result.show(terminal(found), body)


def export_draws(
    evaluation: Path, /, *, rule: Literal["consensus", "majority", "ir-majority", "gold", "none"], out: Path,
    cap: int | None = None, roles: Annotated[list[str] | None, Many] = None, pairs: bool = False,
    without: Annotated[list[Path] | None, Parameter(name="--not", consume_multiple=True)] = None,
) -> None:  # fmt: skip
    """Write the draws of an evaluation that a rule chooses as a dataset folder, to train on.

    consensus: what the loop would answer; majority: what more than half of IR's and DR's draws state;
    ir-majority: of IR's alone; gold: what is right; none: all draws, the control.

    Args:
        evaluation: Evaluation folder, of questions that are no test.
        rule: Which draws are kept; only gold sees the reference answer.
        out: Dataset folder.
        cap: At most so many rows, and so many pairs, per question and role.
        roles: Whose draws: ir (by default), dr or both.
        pairs: Also pair the draws that state the label with those that state another answer.
        without: Dataset folders whose questions are left out, such as the test set.
    """
    from lorid_train.evaluation.drawn_rows import Wanted, export_draws, sentences

    wanted = Wanted(rule, tuple(roles or ("ir",)), cap, pairs, tuple(without or ()))
    manifest = export_draws(evaluation, out, wanted)
    result.show(
        "\n".join(sentences(manifest)),
        {
            "out": str(out),
            "n_in": manifest.n_in,
            "n_kept": manifest.n_kept,
            "n_rejected": manifest.n_rejected,
            **manifest.figures,
        },
    )
