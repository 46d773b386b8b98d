"""One self-contained page: style, script and data inside it, and no way to ask the network.

The content security policy allows the page's own style and script by their hashes and nothing
else: text that slipped through unescaped could still not run, load or send anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from lorid_data.pages.table import Table, table_html
from lorid_data.pages.text import esc


def packaged(package: str, name: str) -> str:
    """A text file that lies beside a package's modules."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def page_scripts(package: str, name: str, *shared: str) -> list[str]:
    """A page's own script, behind those of this package that it builds on; `dom.js` is the first.

    Args:
        package: where the page's own script lies.
        name: its file.
        shared: `rows.js`, `rich.js`.
    """
    return [
        *table_scripts(),
        *(packaged("lorid_data.pages", s) for s in shared),
        packaged(package, name),
    ]


def table_scripts() -> list[str]:
    """What sorts the tables of a page and gives them out: all the script that some pages need."""
    return [packaged("lorid_data.pages", s) for s in ("dom.js", "tables.js")]


@cache
def _style() -> str:
    return packaged("lorid_data.pages", "style.css")


def _csp_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def content_policy(
    scripts: Sequence[str] = (), *, style: str = "", connect_self: bool = False
) -> str:
    """The content security policy of a page: its own style and scripts by hash, nothing else."""
    allowed = " ".join(map(_csp_hash, scripts)) or "'none'"
    asked = "'self'" if connect_self else "'none'"
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {_csp_hash(_style() + style)}",
            f"script-src {allowed}",
            "img-src data:",
            f"connect-src {asked}",
            "form-action 'none'",
            "base-uri 'none'",
        ]
    )


def page(
    title: str,
    body: Iterable[str],
    *,
    subtitle: str = "",
    nav: Sequence[tuple[str, str]] = (),
    scripts: Sequence[str] = (),
    data: Iterable[str] = (),
    style: str = "",
    connect_self: bool = False,
) -> str:
    """A whole HTML document.

    Args:
        title: plain text; escaped here.
        body: HTML pieces, already escaped.
        subtitle: plain text under the title.
        nav: (id, name) of the sections to link to.
        scripts: JavaScript sources to run after everything else is there.
        data: data blocks as `chunk` makes them.
        style: CSS of this page, after that of all pages.
        connect_self: whether the page may ask the server that it came from (labelling).
    """
    policy = content_policy(scripts, style=style, connect_self=connect_self)
    links = "".join(f'<a href="#{esc(i)}">{esc(name)}</a>' for i, name in nav)
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            '<meta name="color-scheme" content="light dark">\n',
            # A browser asks a server for an icon, a file for none.
            '<link rel="icon" href="data:,">\n' if connect_self else "",
            f"<title>{esc(title)}</title>\n<style>{_style()}{style}</style>\n</head>\n<body>\n",
            f"<header><h1>{esc(title)}</h1>",
            f"<p>{esc(subtitle)}</p>" if subtitle else "",
            "</header>\n",
            f'<nav aria-label="Sections">{links}</nav>\n' if links else "",
            "<main>\n",
            "\n".join(body),
            "\n</main>\n",
            "\n".join(data),
            "".join(f"\n<script>{s}</script>" for s in scripts),
            "\n</body>\n</html>\n",
        ]
    )


def section(section_id: str, title: str, *parts: str) -> str:
    """A section with its heading; parts are HTML."""
    return f'<section id="{esc(section_id)}"><h2>{esc(title)}</h2>{"".join(parts)}</section>'


def first_section(section_id: str, name: str, *parts: str) -> str:
    """The section that a page begins with: named for those who hear it, without a heading's room."""
    return f'<section id="{esc(section_id)}" class="first" aria-label="{esc(name)}">{"".join(parts)}</section>'


class Tile(NamedTuple):
    """One number, large, with what it is and what it rests on."""

    name: str
    value: str
    lines: tuple[str, ...] = ()


def tiles(found: Iterable[Tile]) -> str:
    """Numbers side by side."""
    items = []
    for t in found:
        small = "".join(f"<span>{esc(line)}</span>" for line in t.lines)
        items.append(
            f'<li class="tile"><span class="name">{esc(t.name)}</span>'
            f'<span class="big">{esc(t.value)}</span>{small}</li>'
        )
    return f'<ul class="tiles">{"".join(items)}</ul>'


def paragraph(text: str, css: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{esc(css)}">{esc(text)}</p>' if css else f"<p>{esc(text)}</p>"


def figure(chart: str, beside: Table, caption: str) -> str:
    """A chart with its numbers beside it."""
    return (
        f'<figure><div class="plot">{chart}<figcaption>{esc(caption)}</figcaption></div>'
        f'<div class="numbers" tabindex="0">{table_html(beside)}</div></figure>'
    )


def folded(summary: str, *parts: str) -> str:
    """HTML that is there when asked for."""
    return f"<details><summary>{esc(summary)}</summary>{''.join(parts)}</details>"


def chunk(chunk_id: str, value: object) -> str:
    """Any JSON value as a data block that a script opens on demand.

    zlib (`DecompressionStream("deflate")`), then base64, whose alphabet cannot end a script
    element. Lone surrogates travel as JSON escapes.
    """
    packed = zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"), 6)
    text = base64.b64encode(packed).decode("ascii")
    return f'<script type="application/octet-stream" id="{esc(chunk_id)}">{text}</script>'
