"""What an evaluation will take, said before it takes it: draws, tokens, memory, time.

Where the loop decides, only its bounds are known: every question needs one round, and none more
than t. Memory and time are estimates, from the weights and the machine's own matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.schema import Record
from lorid_data.texts import strict_json
from lorid_data.texts.counting import count
from lorid_train.config import AT_ONCE, EvalConfig
from lorid_train.evaluation import ablation
from lorid_train.interaction import three_way

UTILISATION = 0.1
"""Share of the measured matrix-product rate that drawing is taken to reach: tokens come one by one."""
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
LOOP = ("ir", "kg", "dr")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Draws of an evaluation, as far as they are known beforehand.

    Attributes:
        n_greedy: of the greedy systems.
        least: in all, where every question stops after one round.
        most: in all, where no question stops before t; votes are left out: the loop decides on them.
        has_votes: whether votes follow that cost as many tokens as the loop took.
    """

    n_greedy: int
    least: int
    most: int
    has_votes: bool

    @property
    def is_exact(self) -> bool:
        """Whether nothing is left for the loop to decide."""
        return self.least == self.most and not self.has_votes


def bounds(config: EvalConfig, n: int, *, has_knowledge: bool) -> Bounds:
    """The bounds of an evaluation of `n` questions.

    Args:
        config: the evaluation.
        n: questions.
        has_knowledge: whether the dataset has any: else KG writes what is shuffled, too.
    """
    names = set(config.greedy)
    needs_kg = ablation.KG in names or (
        not has_knowledge and bool({ablation.SHUFFLED, ablation.OTHER} & names)
    )
    n_greedy = n * (len(names) + (needs_kg and "kg" not in names))
    asked = dict(config.samples)
    asked["kg"] = max(asked.get("kg", 0), asked.get("dr", 0))  # DR reads what KG wrote
    drawn = of_loop(config) if config.loop else ("ir",) if config.votes != "none" else ()
    decides = config.loop and config.schedule == "lazy"
    # A rule of programs may be decided by the first one.
    least = ("cg",) if decides and config.rule in three_way.THREE_WAY else drawn

    def rounds(at_least: int, drawn: Sequence[str] = drawn) -> int:
        of = {r: max(at_least if r in drawn else 0, asked.get(r, 0)) for r in {*drawn, *asked}}
        return n_greedy + n * config.seeds * sum(of.values())

    return Bounds(
        n_greedy=n_greedy,
        least=rounds(1 if decides else config.rounds, least),
        most=rounds(config.rounds),
        has_votes=config.loop and config.votes != "none",
    )


def of_loop(config: EvalConfig) -> tuple[str, ...]:
    """The roles that the loop may draw."""
    if three_way.is_three_way(config.rule, config.fallback):
        return three_way.roles_of(config.rule, config.fallback)
    return LOOP


def lines(config: EvalConfig, records: Sequence[Record], base: Any, n_done: int) -> list[str]:
    """The plan, for people.

    Args:
        config: the evaluation.
        records: its questions.
        base: `base_model.Base` that is loaded; None where servers draw.
        n_done: draws that an earlier run made.
    """
    b = bounds(config, len(records), has_knowledge=any(r.knowledge for r in records))
    span = f"{b.most:,}" if b.least == b.most else f"{b.least:,} to {b.most:,}"
    said = [
        f"plan: {count(len(records), 'question')}, {span} draws ({count(b.n_greedy, 'greedy draw')}"
    ]
    if config.loop or config.votes != "none":
        stops = ""
        if b.least < b.most:
            is_pair = config.rule in ("same_round", "cumulative")
            when = "IR and DR agree" if is_pair else f"the rule {config.rule} knows enough"
            stops = f", a question stops when {when}"
        named = [r.upper() for r in (of_loop(config) if config.loop else ("ir",))]
        what = "rounds of " + " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
        seeds = f" under {config.seeds} seeds" if config.seeds > 1 else ""
        said[0] += f"; up to {config.rounds} {what}{seeds}{stops}"
    if config.samples:
        more = ", ".join(f"{r} {k}" for r, k in config.samples.items())
        said[0] += f"; rounds asked for: {more}"
    said[0] += ")" + (", then votes that cost as many tokens as the loop" if b.has_votes else "")
    if n_done:
        said[0] += f"; {n_done:,} are there already"
    tokens = b.most * config.max_new_tokens
    votes = " before the votes" * b.has_votes
    said.append(
        f"  at most {tokens:,} tokens are written{votes}, {config.max_new_tokens:,} a draw; most texts end sooner"
    )
    if base is not None:
        said.append(f"  {_machine(config, base, tokens * (2 if b.has_votes else 1))}")
    return said


def _machine(config: EvalConfig, base: Any, tokens: int) -> str:
    """Memory and time on this machine."""
    import torch

    from lorid_train.models.base_model import load_config
    from lorid_train.training.estimates import measured_rate

    cuda = torch.cuda.is_available()
    dtype = config.dtype or ("bfloat16" if cuda else "float32")
    text = load_config(base).get_text_config()
    n = _n_parameters(base)
    heads = int(getattr(text, "num_key_value_heads", None) or text.num_attention_heads)
    width = int(getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads)
    cache = 2 * int(text.num_hidden_layers) * heads * width * _BYTES[dtype]
    n_rows = config.batch_size or AT_ONCE
    at_once = n_rows * cache * (config.max_new_tokens + 512)
    where = torch.cuda.get_device_name() if cuda else "a CPU"
    if n is None:
        return f"on {where}: batches of {n_rows} need about {at_once / 2**30:.1f} GiB beside the weights"
    memory = n * _BYTES[dtype] * (3 if config.merged else 1) + at_once
    seconds = 2 * n * tokens / (measured_rate(dtype, int(text.hidden_size)) * UTILISATION)
    return f"about {memory / 2**30:.1f} GiB and {_duration(seconds)} on {where}, where every draw is needed and whole (estimated)"


def _n_parameters(base: Any) -> int | None:
    """Parameters by the headers of the weights' files; None where they do not lie here."""
    from math import prod

    folder, n = Path(base.source), 0
    for path in sorted(folder.glob("*.safetensors")) if folder.is_dir() else ():
        with path.open("rb") as file:
            header = strict_json.parse(file.read(int.from_bytes(file.read(8), "little")))
        n += sum(prod(t["shape"]) for name, t in header.items() if name != "__metadata__")
    return n or None


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
