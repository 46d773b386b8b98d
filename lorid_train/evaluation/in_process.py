"""The engine of this process: base and adapters loaded, and proved to write what they should.

What was proved is remembered beside the Hugging Face caches, under all that decides it: the next
evaluation of the same adapters begins at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.commandline.progress import say
from lorid_data.folders.files import sha256_file, write_text
from lorid_data.schema import canonical_json, sha256_text
from lorid_train import engines
from lorid_train.config import AT_ONCE, EvalConfig
from lorid_train.engines.base import Engine
from lorid_train.engines.by_adapter import EngineByAdapter, Part
from lorid_train.formats import Format
from lorid_train.models import base_model
from lorid_train.models.adapters import Adapters
from lorid_train.models.base_model import Base
from lorid_train.models.foreign import CONFIG
from lorid_train.models.weights import n_parameters

if TYPE_CHECKING:
    from lorid_train.engines.transformers import TransformersEngine
    from lorid_train.engines.ways import Way

_REPEATS = (0, 1, 2, 4, 7, 12, 20, 40)
"""Lengths of the check's prompts: how often the sentence stands before the question. The longest
is beyond the windows that models have (512 tokens)."""
_SHORTER = (0, 1, 2, 3, 5, 8, 12, 18)
"""The same for all roles but the first: a window is the base's, whatever adapter reads through it."""
_SENTENCE = "A farmer has 12 sheep and buys 7 more. "
_QUESTION = "How many are there?"
_KNOWLEDGE = "Add the numbers."


def make_engine(config: EvalConfig, adapters: Adapters) -> Engine:
    """The transformers engine with the adapters loaded on one base, in a way that is right for it.

    A whole model that plays a role has an engine of its own beside it.

    Raises:
        ConfigError: there is none; an adapter does not fit the base, or changes nothing.
    """
    import torch

    if config.threads:
        torch.set_num_threads(config.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = config.dtype or ("bfloat16" if device == "cuda" else "float32")
    models = _models(adapters)
    if len(models) > 1:
        say(_weights_of(models, dtype))
    engines = [_engine_of(m, adapters, config, dtype, device) for m in models]
    if len(engines) == 1 and not adapters.wholes:
        return engines[0]
    return EngineByAdapter({
        role: Part(engine, role if model.folders else None)
        for model, engine in zip(models, engines, strict=True)
        for role in model.roles
    })  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Model:
    """A model that is loaded once, and the roles that it plays: with an adapter each, or as it is."""

    base: Base
    format: Format
    roles: tuple[str, ...]
    folders: dict[str, Path]


def _models(adapters: Adapters) -> list[_Model]:
    """What must be loaded."""
    found = []
    if adapters.folders:
        roles = tuple(adapters.folders)
        found.append(_Model(adapters.base, adapters.format, roles, adapters.folders))
    groups: dict[tuple[Base, Format], list[str]] = {}
    for role, whole in adapters.wholes.items():
        groups.setdefault((whole.base, whole.format), []).append(role)
    return found + [_Model(b, f, tuple(roles), {}) for (b, f), roles in groups.items()]


def _weights_of(models: Sequence[_Model], dtype: str) -> str:
    """What the weights of several models take together, as far as their files tell."""
    n_bytes = 4 if dtype == "float32" else 2
    sizes = [(m.base.name, n_parameters(Path(m.base.source))) for m in models]
    known = [f"{name} {n * n_bytes / 2**30:.2f} GiB" for name, n in sizes if n is not None]
    unknown = [name for name, n in sizes if n is None]
    total = sum(n * n_bytes for _, n in sizes if n is not None) / 2**30
    more = (
        f", beside those of {', '.join(unknown)}, which are not on this disk yet" if unknown else ""
    )
    return f"{len(models)} models are loaded side by side: {total:.2f} GiB of weights ({', '.join(known) or 'none known'}){more}"  # fmt: skip


def _engine_of(
    of: _Model, adapters: Adapters, config: EvalConfig, dtype: str, device: str
) -> TransformersEngine:
    """The engine of one model, proved or remembered to be right."""
    from lorid_train.engines import self_check
    from lorid_train.engines.loading import with_adapters
    from lorid_train.engines.transformers import TransformersEngine
    from lorid_train.engines.ways import BEST

    tokenizer = base_model.load_tokenizer(of.base)
    fmt = of.format

    def load() -> Any:
        return with_adapters(base_model.load_model(of.base, dtype), of.folders, device)

    def make(model: Any, way: Way) -> TransformersEngine:
        return TransformersEngine(
            model=model,
            encode=lambda content: fmt.prompt_ids(tokenizer, content),
            render=lambda content, _: fmt.text(tokenizer, content),
            decode=lambda ids: tokenizer.decode(ids, skip_special_tokens=True),
            stop_ids=fmt.stop_ids(tokenizer, base_model.generation_ends(of.base)),
            batch_size=config.batch_size or AT_ONCE,
            merged=config.merged,
            way=way,
        )

    sha256 = {r: adapters.sha256[r] for r in of.folders}
    memory = _memory_of(of, sha256, dtype, device, merged=config.merged)
    if memory is not None and (known := _remembered(memory)):
        if known.memory != BEST.memory or (of.folders and not known.mixed):
            say(f"warning: base {of.base.name!r}: texts are made as {known.words}, which is slower")
        return make(load(), known)
    model = load()
    prompts = _prompts(of, adapters, model, lambda text: len(fmt.prompt_ids(tokenizer, text)))
    first: list[Any] = [model]
    del model
    engine = self_check.prove(
        lambda: first.pop() if first else load(), make, prompts,
        where=f"base {of.base.name!r}", say=say,
    )  # fmt: skip
    if memory is not None:
        with suppress(OSError):  # a cache that cannot be written costs the check again
            memory.parent.mkdir(parents=True, exist_ok=True)
            write_text(memory, json.dumps(asdict(engine.way)))  # type: ignore[arg-type]
    return engine


def _prompts(
    of: _Model, adapters: Adapters, model: Any, n_tokens: Any
) -> dict[str | None, list[str]]:
    """Prompts of different lengths for each adapter; none longer than the model can go on from."""
    from lorid_train.engines.context import context_of
    from lorid_train.engines.self_check import N_TOKENS

    limit = context_of(model.config) or 1 << 20
    made: dict[str | None, list[str]] = {}
    for i, name in enumerate(of.roles if of.folders else of.roles[:1]):
        repeats = _SHORTER if i else _REPEATS
        every = [adapters.content(name, _SENTENCE * n + _QUESTION, _KNOWLEDGE) for n in repeats]
        fitting = [p for p in every if n_tokens(p) + N_TOKENS <= limit] or every[:1]
        made[name if of.folders else None] = fitting
    return made


def _memory_of(
    of: _Model, sha256: dict[str, str], dtype: str, device: str, *, merged: bool
) -> Path | None:
    """The file that says which way was proved right; None where the base is not pinned."""
    base = of.base
    if base.fingerprint.startswith("hub:") and base.revision is None:
        return None
    code = sorted(Path(engines.__path__[0]).glob("*.py"))
    key = {
        "base": base.fingerprint, "adapters": sha256, "format": of.format.sha256,
        "configs": {r: sha256_file(f / CONFIG) for r, f in of.folders.items()},
        "dtype": dtype, "device": device, "merged": merged,
        "libraries": {name: version(name) for name in base_model.LIBRARIES},
        "code": [sha256_file(p) for p in code],
    }  # fmt: skip
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = Path(os.environ.get("HF_HOME") or Path(caches) / "huggingface")
    return home / "lorid" / "ways" / f"{sha256_text(canonical_json(key))}.json"


def _remembered(memory: Path) -> Way | None:
    """The way that was proved before; None where there is no such file, or it is not whole."""
    from lorid_train.engines.ways import Way

    with suppress(OSError, ValueError, TypeError):
        return Way(**json.loads(memory.read_text(encoding="utf-8")))
    return None
