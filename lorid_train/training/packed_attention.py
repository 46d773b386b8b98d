"""Attention over packed rows, row by row, where PyTorch's own attention is used.

TRL lays the rows of a batch's packs one after another in a single row of the batch and tells where
each begins (`cu_seq_lens_q`). FlashAttention reads that. PyTorch's `scaled_dot_product_attention`
is given a mask of all pairs of tokens instead: for B packs of L tokens it computes (B·L)² products
where B·L²/2 at most are wanted, and its fastest kernels take no mask. Here each row is attended to
on its own, which is the same sum: with PyTorch's kernel for rows of different length on a GPU that
has one, else in one call a row.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NAME = "lorid_row_by_row"
"""The attention's name in transformers' registry."""
_UNLIKE = ("softcap", "s_aux", "position_bias", "cache")
"""Arguments of attentions that are no plain causal one."""


def use(model: Any) -> bool:
    """Let a model attend to packed rows one by one, if it attends through PyTorch's own function.

    What is not packed is computed as before. Whether the model's rows keep apart is proved later
    (`proofs.prove_isolation`).

    Returns:
        Whether it does now.
    """
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    if getattr(base.config, "_attn_implementation", None) != "sdpa":
        return False
    _register()
    base.set_attn_implementation(NAME)
    return bool(base.config._attn_implementation == NAME)


def leave(model: Any) -> None:
    """Let the model attend through PyTorch's own function again."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    base.set_attn_implementation("sdpa")


@cache
def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, row_by_row)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def row_by_row(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,  # noqa: FBT001  (transformers' signature)
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """An attention function of transformers: (1, heads, n, d) in, (1, n, heads, d) out, where rows are packed.

    Anything else goes to transformers' own function for PyTorch's attention.
    """
    if not _is_plain(module, query, key, more, is_causal=is_causal):
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(  # type: ignore[no-any-return]
            module, query, key, value, attention_mask,
            dropout=dropout, scaling=scaling, is_causal=is_causal, **more,
        )  # fmt: skip
    starts, longest = more["cu_seq_lens_q"], int(more["max_length_q"])
    if query.is_cuda and not dropout and _has_kernel(query.device.index, query.dtype):
        return _in_one(query, key, value, starts, longest, scaling), None
    return _in_turn(query, key, value, _numbers(starts), dropout, scaling), None


def _is_plain(
    module: Any, query: torch.Tensor, key: torch.Tensor, more: dict[str, Any], *, is_causal: bool | None
) -> bool:  # fmt: skip
    """Whether rows are packed, and attended to causally and wholly."""
    starts, longest = more.get("cu_seq_lens_q"), more.get("max_length_q")
    window = more.get("sliding_window")
    return (
        starts is not None
        and longest is not None
        and query.shape[0] == 1
        and query.shape[2] == key.shape[2]
        and is_causal is not False
        and getattr(module, "is_causal", True) is True
        and (window is None or window >= int(longest))
        and all(more.get(name) is None for name in _UNLIKE)
    )


def _in_turn(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, starts: list[int], dropout: float,
    scaling: float | None,
) -> torch.Tensor:  # fmt: skip
    """Row after row."""
    import torch

    lengths = [b - a for a, b in pairwise(starts)]
    rows = zip(*(torch.split(t, lengths, dim=2) for t in (query, key, value)), strict=True)
    out = [
        torch.nn.functional.scaled_dot_product_attention(
            q, k, v, dropout_p=dropout, scale=scaling, is_causal=True, enable_gqa=q.shape[1] != k.shape[1]
        )
        for q, k, v in rows
    ]  # fmt: skip
    return torch.cat(out, dim=2).transpose(1, 2).contiguous()


def _in_one(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, starts: torch.Tensor, longest: int,
    scaling: float | None,
) -> torch.Tensor:  # fmt: skip
    """All rows at once, by the kernel for rows of different length."""
    from torch.nn.attention.varlen import varlen_attn

    groups = query.shape[1] // key.shape[1]
    wide = (t.repeat_interleave(groups, dim=1) if groups > 1 else t for t in (key, value))
    q, k, v = (t[0].transpose(0, 1).contiguous() for t in (query, *wide))
    out = varlen_attn(q, k, v, starts, starts, longest, longest, scale=scaling, window_size=(-1, 0))
    assert not isinstance(out, tuple)  # that is what it gives where more was asked for
    return out[None]


def _numbers(starts: torch.Tensor) -> list[int]:
    """Where rows begin, read from the GPU once for all layers."""
    known = _known()
    if starts not in known:
        known[starts] = starts.tolist()
    return known[starts]  # type: ignore[no-any-return]


@cache
def _known() -> Any:
    from torch.utils.weak import WeakTensorKeyDictionary

    return WeakTensorKeyDictionary()


@cache
def _has_kernel(device: int, dtype: torch.dtype) -> bool:
    """Whether the kernel for rows of different length is there and right, forward and backward: tried on 24 tokens."""
    import torch

    if dtype not in (torch.bfloat16, torch.float16):
        return False
    # The trial must not change what dropout draws later.
    with torch.random.fork_rng(devices=[device]), torch.enable_grad():
        where = torch.device("cuda", device)
        starts = torch.tensor([0, 7, 24], dtype=torch.int32, device=where)
        given = [
            torch.randn(1, 4, 24, 64, dtype=dtype, device=where, requires_grad=True)
            for _ in range(3)
        ]
        found = []
        try:
            for out in (
                _in_one(given[0], given[1], given[2], starts, 17, None),
                _in_turn(given[0], given[1], given[2], [0, 7, 24], 0.0, None),
            ):
                grads = torch.autograd.grad(out.float().square().sum(), given)
                found.append(torch.cat([t.float().reshape(-1) for t in (out, *grads)]))
        except Exception:  # noqa: BLE001  (whatever it is: not here)
            return False
    return bool(torch.allclose(found[0], found[1], rtol=5e-2, atol=5e-2))
