"""The pages of docs/: every link leads somewhere, every page is in the navigation, every name is there.

`make docs` is strict about all of it; these tests ask for no mkdocs. The last one runs it.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md") if "studies" not in p.relative_to(DOCS).parts)
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def without_code(text: str) -> str:
    return re.sub(
        r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    )


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them."""
    found = set()
    for title in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        words = re.sub(r"[^\w\s-]", "", title.lower()).strip()
        found.add(re.sub(r"[-\s]+", "-", words))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.is_file(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def in_nav(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    return [
        x for part in (entry.values() if isinstance(entry, dict) else entry) for x in in_nav(part)
    ]


def test_every_page_stands_once_in_the_navigation() -> None:
    assert sorted(in_nav(CONFIG["nav"])) == sorted(p.relative_to(DOCS).as_posix() for p in PAGES)


def names() -> list[str]:
    return [
        name
        for page in sorted((DOCS / "reference").glob("*.md"))
        for name in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]


@pytest.mark.parametrize("name", names())
def test_what_the_reference_names_is_there_and_says_what_it_is(name: str) -> None:
    try:
        found: Any = importlib.import_module(name)
    except ImportError:
        module, _, attribute = name.rpartition(".")
        found = getattr(importlib.import_module(module), attribute)
    assert (found.__doc__ or "").strip()


def test_the_build_is_strict_and_asks_no_network() -> None:
    assert CONFIG["strict"] is True
    assert CONFIG["theme"]["font"] is False
    assert [p if isinstance(p, str) else next(iter(p)) for p in CONFIG["plugins"]] == [
        "search",
        "mkdocstrings",
    ]
    assert CONFIG["validation"]["links"] == dict.fromkeys(
        ("not_found", "anchors", "absolute_links", "unrecognized_links"), "warn"
    )


@pytest.mark.slow
def test_the_pages_are_built_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    program = os.environ.get("LORID_MKDOCS")
    command = [program] if program else [sys.executable, "-m", "mkdocs"]
    if not program and not find_spec("mkdocs"):
        pytest.skip(
            "mkdocs is missing: make docs installs it (extra docs), or LORID_MKDOCS names the program"
        )
    done = subprocess.run(
        [*command, "build", "--quiet", "--site-dir", str(tmp_path / "site")], cwd=ROOT, text=True, capture_output=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "WARNING" not in done.stderr
    page = (tmp_path / "site" / "reference" / "train.html").read_text(encoding="utf-8")
    assert 'id="lorid_train.solve.solver.Solver.solve"' in page
    for path in (tmp_path / "site").rglob("*.html"):
        for tag in re.findall(
            r"<(?:script|link|img|iframe)\b[^>]*>", path.read_text(encoding="utf-8")
        ):
            assert "://" not in tag, f"{path.name}: {tag}"
