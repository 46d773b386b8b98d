"""What a GGUF file says of itself: its model, its tensors and its tokenizer, read with ggml's own reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAGIC = b"GGUF"
SPECIAL = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
"""Special tokens as transformers calls them, and as the file does."""


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """The tokenizer of a file.

    Attributes:
        kind: `gpt2` (byte-level BPE), `llama` (SentencePiece), …
        split: how text is cut before merges are applied, by llama.cpp's name; empty where unsaid.
        tokens: every token as the file spells it, by its id.
        special: id of each special token that the file names.
        chat_template: None where it has none.
    """

    kind: str
    split: str
    tokens: tuple[str, ...]
    special: dict[str, int]
    chat_template: str | None


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A GGUF file without its tensors' values.

    Attributes:
        path: where it lies.
        architecture: llama.cpp's name of it.
        name: what the file calls the model; empty where unsaid.
        licence: as the file states it; `unknown` where it does not.
        n_blocks: layers.
        quantisation: number of tensors by type, such as `{"Q4_1": 210, "F32": 61}`.
        tokenizer: its tokenizer.
    """

    path: Path
    architecture: str
    name: str
    licence: str
    n_blocks: int
    quantisation: dict[str, int]
    tokenizer: Tokenizer


def read_gguf(path: Path) -> GgufFile:
    """Read the head of a GGUF file.

    Raises:
        ConfigError: no such file, no GGUF file, one of several parts, or without a tokenizer; or the
            package `gguf` is not installed.
    """
    reader = _reader(path)

    def value(key: str, default: Any = None) -> Any:
        field = reader.get_field(key)
        return default if field is None else field.contents()

    if (value("split.count") or 1) > 1:
        msg = f"{path}: is one part of a file in several; join them with llama.cpp's gguf-split --merge"
        raise ConfigError(msg)
    architecture, tokens = value("general.architecture"), value("tokenizer.ggml.tokens")
    if not architecture or not tokens:
        msg = f"{path}: names no {'architecture' if not architecture else 'tokenizer'}; a language model is expected"
        raise ConfigError(msg)
    special = {ours: value(f"tokenizer.ggml.{theirs}_token_id") for ours, theirs in SPECIAL.items()}
    return GgufFile(
        path=path,
        architecture=architecture,
        name=value("general.name", ""),
        licence=value("general.license", "unknown"),
        n_blocks=int(value(f"{architecture}.block_count", 0)),
        quantisation=dict(Counter(t.tensor_type.name for t in reader.tensors).most_common()),
        tokenizer=Tokenizer(
            kind=value("tokenizer.ggml.model", ""),
            split=value("tokenizer.ggml.pre", ""),
            tokens=tuple(tokens),
            special={k: int(v) for k, v in special.items() if v is not None},
            chat_template=value("tokenizer.chat_template"),
        ),
    )


def tensors(path: Path) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Every tensor of the file by its name, dequantised by ggml's own code, one at a time.

    Raises:
        ConfigError: a type of quantisation that cannot be read.
    """
    from gguf import dequantize

    for tensor in _reader(path).tensors:
        try:
            yield tensor.name, dequantize(tensor.data, tensor.tensor_type)
        except NotImplementedError as e:
            msg = f"{path}: tensor {tensor.name!r} is {tensor.tensor_type.name}, which cannot be dequantised"
            raise ConfigError(msg) from e


def _reader(path: Path) -> Any:
    if not path.is_file():
        msg = f"{path}: no such file; name a .gguf file, or OWNER/NAME:FILE.gguf of the Hub"
        raise ConfigError(msg)
    with path.open("rb") as f:
        if f.read(4) != MAGIC:
            msg = f"{path}: is not a GGUF file (it does not begin with {MAGIC.decode()})"
            raise ConfigError(msg)
    try:
        from gguf import GGUFReader
    except ImportError as e:
        msg = "reading a GGUF file needs the package gguf; pip install -c constraints.txt '.[gguf]'"
        raise ConfigError(msg) from e
    try:
        return GGUFReader(path)
    except (ValueError, KeyError, IndexError, OSError, UnicodeDecodeError) as e:
        msg = f"{path}: is damaged or cut off ({type(e).__name__}: {str(e)[:100]}); fetch it again"
        raise ConfigError(msg) from e
