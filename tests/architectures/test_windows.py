"""Models that tell distances by columns: a text depends on its own prompt, not on its neighbours."""

from __future__ import annotations

import random
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_train.engines.base import GenRequest, Sampling
from lorid_train.engines.ways import counts_columns

pytestmark = pytest.mark.filterwarnings("ignore")
SUPPORT = Path(__file__).parents[1] / "support"
tiny = SimpleNamespace(**runpy.run_path(str(SUPPORT / "tiny_models.py")))
ROLES = ("ir", "kg", "dr")
SLOW = ("gpt_oss", "mistral", "olmo3", "gpt_neo", "mpt")


def requests(n: int, sampling: Sampling) -> list[GenRequest]:
    """Prompts of 8 to 600 tokens that share beginnings of many lengths."""
    drawn = random.Random(0)
    question = "".join(drawn.choice("abcdefgh ") for _ in range(600))
    made = []
    for i in range(n):
        n_shared, n_own = drawn.choice([0, 3, 30, 60, 150, 400]), drawn.choice([7, 25, 90, 199])
        n_shared, n_own = {0: (0, 7), 1: (400, 199)}.get(i, (n_shared, n_own))
        own = "".join(drawn.choice("xyz") for _ in range(n_own))
        made.append(GenRequest(i, ROLES[i % 3], question[:n_shared] + own, sampling, seed=i))
    lengths = [len(tiny.tokens(r.prompt)) for r in made]
    assert min(lengths) == 8
    assert max(lengths) == 600
    return made


@pytest.fixture(
    scope="module", params=["gemma3_text", *(pytest.param(f, marks=pytest.mark.slow) for f in SLOW)]
)
def windowed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model that has a window of 24 tokens, or ALiBi, and three adapters."""
    folder = tmp_path_factory.mktemp(request.param)
    base = tiny.tiny_model(request.param, folder / "base")
    return base, tiny.adapters(base, folder)


def test_texts_do_not_depend_on_the_batch(windowed: Any) -> None:
    asked = requests(60, Sampling(1.0, max_new_tokens=16))
    one, seven, sixteen = (
        tiny.texts(tiny.engine(tiny.loaded(*windowed), batch_size=b), asked) for b in (1, 7, 16)
    )
    assert len(set(one.values())) > 50
    assert one == seven
    assert one == sixteen


def test_greedy_texts_are_those_of_generate(windowed: Any) -> None:
    asked = requests(24, Sampling(0.0, max_new_tokens=10))
    alone = tiny.engine(tiny.loaded(*windowed), tiny.ALONE)
    assert tiny.texts(tiny.engine(tiny.loaded(*windowed), batch_size=7), asked) == tiny.texts(
        alone, asked
    )


@pytest.mark.parametrize(
    ("model_type", "changes", "counts"),
    [
        ("llama", {}, False),
        ("qwen2", {"use_sliding_window": False, "sliding_window": 24}, False),
        ("mistral", {"sliding_window": None}, False),
        ("mistral", {"sliding_window": 24}, True),
        ("gemma2", {}, True),
        ("llama4_text", {}, True),
        ("gpt_neo", {}, True),
        ("mpt", {}, True),
        ("falcon", {"alibi": True}, True),
        ("falcon", {}, False),
        ("granite_swa", {}, True),
    ],
)
def test_what_a_configuration_says_of_columns(
    model_type: str, changes: dict[str, Any], *, counts: bool
) -> None:
    assert counts_columns(tiny.tiny_config(model_type, **changes)) is counts


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_a_long_row_does_not_turn_its_neighbours(kind: str, tmp_path: Path) -> None:
    """These rotary embeddings change for the whole batch with its longest row."""
    rope: dict[str, Any] = {"rope_type": kind, "rope_theta": 1e4, "factor": 4.0}
    if kind == "longrope":
        rope |= {"short_factor": [1.0] * 4, "long_factor": [1.0, 2.0, 4.0, 8.0]}
        rope |= {"original_max_position_embeddings": 64}
    longest = 64 if kind == "dynamic" else 256
    base = tiny.tiny_model(
        "llama", tmp_path / "base", rope_parameters=rope, max_position_embeddings=longest
    )
    of = tiny.adapters(base, tmp_path)
    asked = requests(60, Sampling(0.0, max_new_tokens=10))[:12]
    short = [GenRequest(("short", i), "ir", "ab" * i, asked[0].sampling, i) for i in range(1, 9)]
    mixed = tiny.texts(tiny.engine(tiny.loaded(base, of), batch_size=7), [*short, *asked])
    alone = tiny.engine(tiny.loaded(base, of), tiny.ALONE)
    assert mixed == tiny.texts(alone, [*short, *asked])
    # Nor does a text depend on those that were written before it.
    assert mixed == tiny.texts(alone, [*asked[::-1], *short])
