"""Cards: the README of what is published, rendered from `datasets_cards/*.jinja`.

The front matter comes from huggingface_hub's card data and a YAML serialiser; every text of a
template passes `md`, `code` or `block`, and every number comes from the caller, who has it from
a manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.cards.escape import block, code, md, one_line

if TYPE_CHECKING:
    from huggingface_hub import CardData

__all__ = ["block", "code", "md", "one_line", "render", "root"]


def root() -> Path:
    """Where the templates lie: inside the package in an installed wheel, beside it in a checkout."""
    here = Path(__file__).parent.parent
    inside = here / "_datasets_cards"
    return inside if inside.is_dir() else here.parent / "datasets_cards"


def render(template: str, data: CardData, context: Mapping[str, Any]) -> str:
    """A card: front matter, then the template's text.

    Args:
        template: a file of `datasets_cards`, such as `dataset.md.jinja`.
        data: the front matter.
        context: what the template shows; hostile texts are escaped by the template.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(root()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (Markdown is written: texts pass md, code or block)
    )
    environment.filters |= {
        "md": md,
        "code": code,
        "block": block,
        "n": lambda value: f"{value:,}",
        "size": size,
        "percent": lambda value: f"{100 * value:.1f} %",
    }
    body = environment.get_template(template).render(context)
    return f"---\n{data.to_yaml(line_break=chr(10))}\n---\n\n{body}"


def size(n_bytes: float) -> str:
    """A size in bytes for people, in decimal units."""
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"
