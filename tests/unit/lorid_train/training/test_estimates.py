"""The plan's numbers, against counts made by hand and against PEFT's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lorid_train.config import Quantization
from lorid_train.models import base_model
from lorid_train.training import estimates
from lorid_train.training.tokens import RoleCounts

pytestmark = pytest.mark.filterwarnings("ignore")
LORA = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]}


def test_parameters_are_counted_without_weights(tiny_base: Path) -> None:
    shape = estimates.shape_of(base_model.resolve(str(tiny_base)), LORA)
    assert shape.n_trainable == 2 * 2 * (32 * 4 + 4 * 32)  # layers × modules × (A + B)
    assert (shape.n_layers, shape.hidden, shape.vocabulary) == (2, 32, 259)
    assert shape.n_base == 259 * 32 + 2 * (4 * 32 * 32 + 3 * 32 * 64 + 2 * 32) + 32


def test_dora_adds_one_magnitude_per_output(tiny_base: Path) -> None:
    base = base_model.resolve(str(tiny_base))
    plain, dora = (
        estimates.shape_of(base, LORA),
        estimates.shape_of(base, {**LORA, "use_dora": True}),
    )
    assert dora.n_trainable - plain.n_trainable == 2 * 2 * 32


def test_a_module_that_is_not_there_is_refused(tiny_base: Path) -> None:
    with pytest.raises(ValueError, match="no_such_proj"):
        estimates.shape_of(base_model.resolve(str(tiny_base)), {"target_modules": ["no_such_proj"]})


def shape(n_trainable: int) -> estimates.Shape:
    return estimates.Shape(
        n_base=1000, n_head=200, n_quantizable=640, n_trainable=n_trainable, n_layers=2, hidden=10, intermediate=20, vocabulary=20
    )  # fmt: skip


def test_operations_by_hand() -> None:
    body = 2 * 800 + 2 * 2 * 2 * 10 * 8 / 2
    took = estimates.n_operations(shape(50), n_tokens=3, n_target=1, longest=8, checkpointing=False)
    assert took == 3 * (2 * body + 6 * 50) + 4 * 200
    again = estimates.n_operations(shape(50), n_tokens=3, n_target=1, longest=8, checkpointing=True)
    assert again - took == 3 * body


def test_memory_counts_the_adapter_four_times_and_checkpointing_saves() -> None:
    def memory(n: int, *, checkpointing: bool) -> int:
        return estimates.memory_bytes(
            shape(n), dtype="bfloat16", tokens_at_once=100, target_at_once=10, checkpointing=checkpointing
        )  # fmt: skip

    assert memory(50, checkpointing=False) - memory(0, checkpointing=False) == 50 * 16
    assert memory(0, checkpointing=True) < memory(0, checkpointing=False)


def test_a_quantised_base_by_hand() -> None:
    def held(**given: bool) -> float:
        return estimates.base_bytes(shape(0), "bfloat16", Quantization(**given))

    assert estimates.base_bytes(shape(0), "bfloat16", None) == 2000
    assert held(load_in_8bit=True) == 360 * 2 + 640
    assert held(load_in_4bit=True) == 360 * 2 + 640 * (4 + 0.5) / 8
    twice = held(load_in_4bit=True, bnb_4bit_use_double_quant=True)
    assert twice == pytest.approx(360 * 2 + 640 * (4 + 0.127) / 8, rel=1e-3)  # QLoRA's figure


def test_linear_layers_are_quantised_but_not_the_head(tiny_base: Path) -> None:
    found = estimates.shape_of(base_model.resolve(str(tiny_base)), LORA)
    attention, mlp = 4 * 32 * 32, 3 * 32 * 64
    assert found.n_quantizable == 2 * (attention + mlp)


def test_the_smallest_gpu_is_named() -> None:
    assert estimates.fits(20e9) == "fits a GPU of 24 GB"
    assert estimates.fits(23e9) == "fits a GPU of 40 GB"
    assert estimates.fits(79e9) == "more than a GPU of 80 GB holds"


def counts(*rows: tuple[int, int]) -> RoleCounts:
    """Rows of (tokens, tokens of the target)."""
    made = RoleCounts(n_in=len(rows), n_target_tokens=sum(t for _, t in rows))
    made.lengths.extend(n for n, _ in rows)
    made.target_lengths.extend(t for _, t in rows)
    return made


def test_the_largest_batch_is_the_longest_rows_where_they_are_grouped() -> None:
    rows = counts((10, 2), (30, 20), (12, 4), (28, 6))
    assert estimates.largest_batch(rows, 2, grouped=True) == (60, 26)
    assert estimates.largest_batch(rows, 2, grouped=False) == (60, 28)  # 20 and the mean, 8


def test_what_is_counted_takes_the_formulas_place_and_logits_are_made_where_there_is_loss() -> None:
    def memory(**changes: object) -> int:
        given = {"dtype": "float32", "tokens_at_once": 100, "target_at_once": 10, "checkpointing": False}  # fmt: skip
        return estimates.memory_bytes(shape(0), **(given | changes))  # type: ignore[arg-type]

    none = memory(tokens_at_once=0, target_at_once=0)
    assert memory(saved_per_token=50.0, target_at_once=0) - none == pytest.approx(5500, abs=1)
    assert memory(saved_per_token=50.0) - none == pytest.approx(5500 + 1.1 * 10 * 20 * 12, abs=1)
    assert memory(saved_per_token=50.0, autocast=True) > memory(saved_per_token=50.0)


def test_a_plan_beyond_the_free_memory_says_what_to_change() -> None:
    plan = estimates.RolePlan(
        role="ir", n_rows=1, n_rejected=0, n_tokens=9, n_target_tokens=3, longest_tokens=9, n_steps=1, rows_per_step=4,
        n_trainable=10, memory_bytes=3 * 2**30, time_s=1.0,
    )  # fmt: skip
    said = estimates.too_large([plan], 2 * 2**30, checkpointing=False)
    assert said is not None
    assert "about 3.0 GiB are needed and 2.0 GiB are free; set gradient_checkpointing: true" in said
    assert "gradient_checkpointing" not in str(estimates.too_large([plan], 1, checkpointing=True))
    assert estimates.too_large([plan], 3 * 2**30, checkpointing=False) is None
    assert estimates.too_large([plan], None, checkpointing=False) is None


def _plan(memory: int, reasons: str) -> estimates.RolePlan:
    return estimates.RolePlan(
        role="kg", n_rows=3, n_rejected=2, n_tokens=9, n_target_tokens=4, longest_tokens=5, n_steps=1, rows_per_step=3,
        n_trainable=7, memory_bytes=memory, time_s=1.0, reasons=reasons,
    )  # fmt: skip


def test_the_plan_says_why_rows_are_rejected_and_names_a_gpu_where_one_is_wanted() -> None:
    assert "3 rows (2 rejected: 2 knowledge_empty), " in _plan(1, "2 knowledge_empty").line()
    assert "GPU" not in estimates.total([_plan(2**30, "")])
    assert estimates.total([_plan(20 * 2**30, "")]).endswith("; fits a GPU of 24 GB")


def test_the_rate_of_a_machine_is_measured_once_for_all_roles() -> None:
    assert estimates.measured_rate("float32", 32) == estimates.measured_rate("float32", 32)
