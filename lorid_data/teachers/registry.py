"""Every teacher by its name: what `--teacher T` accepts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from lorid_data.errors import ConfigError
from lorid_data.teachers.backend import Backend, Tier
from lorid_data.teachers.base import Teacher, Unasked

AVAILABLE = {
    "openai:MODEL": "a model of OpenAI, with OPENAI_API_KEY",
    "anthropic:MODEL": "a model of Anthropic, with ANTHROPIC_API_KEY",
    "server:MODEL@URL[,URL…]": "any OpenAI-compatible server",
    "recorded": "packaged replies for parts of GSM8K, MATH and word problems",
    "scripted:FILE": "replies of a .jsonl file",
    "source": "the knowledge that the source itself carries",
    "none": "no knowledge, for evaluation",
}
Mode = Literal["online", "flex", "batch"]
"""How a provider is asked: at once, or at half the price when it has time (flex), within a day (batch)."""


@dataclass(frozen=True, slots=True)
class AskOptions:
    """How a teacher is asked.

    Attributes:
        concurrency: most requests in flight.
        mode: see `Mode`.
        budget_usd: most that may be spent.
        prices: a file that overrides the packaged prices.
        temperature: what replies are sampled at; the provider's own choice by default. It changes
            the answers, and so stands in the keys.
        max_tokens: most tokens of a reply, reasoning included; in the keys, too.
        reasoning_effort: how long a model thinks, in the provider's own word; in the keys, too.
        only_price: nobody is asked: what it would cost can be said without a key.
    """

    concurrency: int = 64
    mode: Mode = "online"
    budget_usd: float | None = None
    prices: Path | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    reasoning_effort: str | None = None
    only_price: bool = False


def open_teacher(spec: str, options: AskOptions | None = None) -> Teacher | Unasked:
    """The teacher that `--teacher SPEC` names.

    Raises:
        ConfigError: there is no such teacher, its file cannot be read, its key is not set, or
            it cannot be asked in this way.
    """
    options = options or AskOptions()
    kind, colon, rest = spec.partition(":")
    if kind in _BACKENDS and colon and rest:
        backend = _BACKENDS[kind](
            rest, "flex" if options.mode == "flex" else "online", options.only_price
        )
        if options.mode == "batch" and kind == "server":
            raise ConfigError("--mode batch: a server of one's own has the mode online only")
        return _remote(backend, options)
    if kind in _BACKENDS:
        known = next(name for name in AVAILABLE if name.startswith(kind))
        raise ConfigError(f"teacher {spec!r} needs a model: --teacher {known}")
    if options.mode != "online":
        raise ConfigError(f"--mode {options.mode}: only openai and anthropic have other modes")
    if spec in ("source", "none"):
        return Unasked("source" if spec == "source" else "none")
    if spec == "recorded":
        from lorid_data.teachers.recorded import RecordedTeacher

        return RecordedTeacher()
    if kind == "scripted" and colon and rest:
        from lorid_data.teachers.scripted import ScriptedTeacher

        return ScriptedTeacher(Path(rest))
    if kind == "scripted":
        raise ConfigError("teacher 'scripted' needs a file: --teacher scripted:FILE")
    raise ConfigError(_unknown(spec))


def _unknown(spec: str) -> str:
    """What is wrong with a teacher that there is not; the nearest one, or all of them."""
    kind, colon, rest = spec.partition(":")
    kinds = {name.partition(":")[0]: name for name in AVAILABLE}
    near = get_close_matches(kind.lower(), kinds, n=1, cutoff=0.6)
    meant = ""
    if near:
        has_more = ":" in kinds[near[0]]
        name = f"{near[0]}:{rest}" if colon and rest and has_more else kinds[near[0]]
        meant = f"did you mean {name!r}? "
    choices = "; ".join(f"{name} ({what})" for name, what in AVAILABLE.items())
    return f"teacher {spec!r} is not available; {meant}available: {choices}"


def _remote(backend: Backend, options: AskOptions) -> Teacher:
    from lorid_data.teachers.budget import Budget
    from lorid_data.teachers.prices import price_of
    from lorid_data.teachers.remote import RemoteTeacher

    price = price_of(backend.kind, backend.model, options.prices)
    if options.budget_usd is not None and price is None:
        raise ConfigError(
            f"--budget {options.budget_usd:g}: the price of {backend.kind}:{backend.model} is not known, so spending cannot be "
            f"capped; give it in a file (`{backend.kind}: {{models: {{{backend.model}: {{input: …, output: …}}}}}}`, "
            "USD per million tokens) with --prices FILE, or leave --budget out"
        )
    teacher = RemoteTeacher(
        backend,
        ceiling=options.concurrency,
        price=price,
        cheap=options.mode != "online",
        budget=Budget(options.budget_usd),
    )
    for name in ("temperature", "max_tokens", "reasoning_effort"):
        if (value := getattr(options, name)) is not None:
            teacher.sampling[name] = value
    return teacher


def _server(rest: str, tier: Tier, _: bool) -> Backend:  # noqa: FBT001  (one shape for all)
    from lorid_data.teachers.server import ServerBackend

    return ServerBackend(rest, tier=tier)


def _openai(rest: str, tier: Tier, only_price: bool) -> Backend:  # noqa: FBT001
    from lorid_data.teachers.openai import OpenAIBackend

    return OpenAIBackend(rest, tier=tier, only_price=only_price)


def _anthropic(rest: str, tier: Tier, only_price: bool) -> Backend:  # noqa: FBT001
    from lorid_data.teachers.anthropic import AnthropicBackend

    return AnthropicBackend(rest, tier=tier, only_price=only_price)


_BACKENDS: dict[str, Callable[[str, Tier, bool], Backend]] = {
    "server": _server,
    "openai": _openai,
    "anthropic": _anthropic,
}
