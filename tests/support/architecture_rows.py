"""What one architecture can do here, tried on a tiny random model: one row of docs/architectures.md."""

from __future__ import annotations

import os
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HERE = Path(__file__).parent
tiny = SimpleNamespace(**runpy.run_path(str(HERE / "tiny_models.py")))
small = SimpleNamespace(**runpy.run_path(str(HERE / "small_training.py")))
COLUMNS = ("family", "texts equal `generate`", "trains", "packs", "all-linear", "merges")
WAYS = {
    ("slots", True): "yes", ("slots", False): "yes, one adapter at a time",
    ("together", True): "yes, in closed batches", ("together", False): "yes, in closed batches, one adapter at a time",
    ("alone", False): "yes, row by row",
}  # fmt: skip
_CONTENTS = [
    "ab",
    "abcabc",
    "abcabcx" * 3,
    "q",
    "abcabc" + "zy" * 20,
    "abcabcx" * 9,
    "abc" * 30,
    "x",
]


def row(model_type: str, dataset: Path, folder: Path) -> list[str]:
    """The cells of a family: `yes`, or why not, in the words that a user reads.

    Args:
        model_type: of a tiny model.
        dataset: problems to train on.
        folder: an empty one, to work in.
    """
    base = tiny.with_tokenizer(tiny.tiny_model(model_type, folder / "base"))
    wanted = tiny.targets(tiny.bare(base))
    trained = folder / "trained"

    def train(out: Path, **sft: Any) -> str:
        from lorid_train.training.sft import train

        lora = {"target_modules": sft.pop("target_modules", wanted)}
        train(
            small.config(base, dataset, out, roles=("ir",), lora=lora, sft={"max_steps": 2} | sft)
        )
        return "yes"

    generates = _told(lambda: _way(base, tiny.adapters(base, folder / "adapters")))
    trains = _told(lambda: train(trained))
    no = "–"
    packs = _told(lambda: train(folder / "packed", packing=True)) if trains == "yes" else no
    everything = _told(
        lambda: (
            train(folder / "all", target_modules="all-linear")
            and _way(base, tiny.adapters(base, folder / "of-all", target_modules="all-linear"))
        )
    )
    merges = (
        _told(lambda: _merged(base, trained / "adapters" / "ir", folder)) if trains == "yes" else no
    )
    return [f"`{model_type}`", generates, trains, packs, everything, merges]


def _way(base: Path, of: dict[str, Path]) -> str:
    """How texts are made that equal those of `generate`."""
    from lorid_train.engines import self_check

    engine = self_check.prove(
        lambda: tiny.loaded(base, of), tiny.engine, dict.fromkeys(of, _CONTENTS),
        where="base 'tiny'", say=lambda _: None,
    )  # fmt: skip
    return WAYS[engine.way.memory, engine.way.mixed]


def _merged(base: Path, adapter: Path, folder: Path) -> str:
    """Merge, and hold the merged model's logits against PEFT's."""
    import torch

    from lorid_train.models.merge import merge

    merge(adapter, folder / "merged")
    ids = torch.tensor([tiny.tokens("What is 1 + 1?")])
    with torch.inference_mode():
        got = tiny.bare(folder / "merged").eval()(input_ids=ids).logits
        want = tiny.loaded(base, {"ir": adapter})(input_ids=ids).logits
    off = float((got - want).abs().max() / want.abs().max())
    assert off < 1e-3, f"SILENTLY DIFFERENT: merged logits are off by {off:.1%}"
    return "yes"


def _told(attempt: Callable[[], str]) -> str:
    """What came out, or the sentence that refuses it. Anything but a refusal is an error."""
    from lorid_data.errors import LoridError

    try:
        return attempt()
    except LoridError as e:
        text = str(e).removeprefix("- ").splitlines()[0]
        return "refused: " + _short(" ".join(text.replace("|", "/").split()))


def _short(text: str) -> str:
    """The first words of a refusal, without what is of one model."""
    text = re.sub(r"^base [^:]*: |^(lora, )?role '\w+': |^lora, role '\w+': ", "", text)
    return re.split(r" \(|; |\. |, so what", text)[0].strip()


def table(rows: list[list[str]]) -> str:
    """The rows as a Markdown table."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def read_table(text: str) -> dict[str, list[str]]:
    """The rows of the table in a page, by family."""
    found = [
        [c.strip() for c in line.strip("| \n").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| `")
    ]
    return {cells[0].strip("`"): cells for cells in found}


def counted(rows: list[list[str]]) -> str:
    """How many families there are, and how many can do what, as the page says it."""
    n = [sum(cells[i].startswith("yes") for cells in rows) for i in range(len(COLUMNS))]
    return (
        f"{len(rows)} families, {n[1]} whose texts equal those of plain `generate` with PEFT, "
        f"{n[2]} that train, {n[3]} that pack"
    )


def written(page: str, rows: list[list[str]]) -> str:
    """The page with this table and these numbers."""
    page = re.sub(r"\d+ families, .*? that pack", lambda _: counted(rows), page, count=1)
    start = page.index(f"| {COLUMNS[0]} |")
    rest = page[start:].partition("\n\n")
    return page[:start] + table(rows).rstrip("\n") + (f"\n\n{rest[2]}" if rest[1] else "\n")


def main(names: list[str]) -> None:
    """Try these families, or all of them; `--write` puts all rows into the page."""
    import tempfile

    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    rows = []
    for name in [n for n in names if n != "--write"] or tiny.FAMILIES:
        with tempfile.TemporaryDirectory() as work:
            data = tiny.dataset(Path(work) / "data")
            rows.append(row(name, data, Path(work) / "row"))
        print(f"| {' | '.join(rows[-1])} |", flush=True)  # noqa: T201
    if names == ["--write"]:
        page = HERE.parents[1] / "docs" / "architectures.md"
        page.write_text(written(page.read_text(encoding="utf-8"), rows), encoding="utf-8")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
