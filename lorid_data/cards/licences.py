"""Licences as rows state them, as the Hub's front matter spells them. Nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

_HUB = frozenset({
    "afl-3.0", "agpl-3.0", "apache-2.0", "apple-amlr", "apple-ascl", "artistic-2.0",
    "bigcode-openrail-m", "bigscience-bloom-rail-1.0", "bigscience-openrail-m", "bsd", "bsd-2-clause",
    "bsd-3-clause", "bsd-3-clause-clear", "bsl-1.0", "c-uda", "cc", "cc-by-2.0", "cc-by-2.5",
    "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0",
    "cdla-sharing-1.0", "creativeml-openrail-m", "deepfloyd-if-license", "ecl-2.0", "epl-1.0",
    "epl-2.0", "etalab-2.0", "eupl-1.1", "eupl-1.2", "fair-noncommercial-research-license", "gemma",
    "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "grok2-community", "h-research", "intel-research", "isc",
    "lgpl", "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3",
    "llama4", "lppl-1.3c", "mit", "mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by", "ofl-1.1",
    "openmdw-1.0", "openmdw-1.1", "openrail", "openrail++", "osl-3.0", "pddl", "postgresql",
    "unlicense", "wtfpl", "zlib",
})  # fmt: skip
"""Identifiers that the Hub accepts in front matter, but for `unknown` and `other`.

The table of https://huggingface.co/docs/hub/repositories-licenses, read on 2026-11-30 in a stored copy
and completed from later copies of the same list; an identifier that is newer becomes `other` with
its name, which the Hub takes.
"""
UNKNOWN = frozenset({"", "unknown", "none", "other", "?"})
"""Words that state no licence."""


def is_unknown(licence: str) -> bool:
    """Whether a row's licence says nothing."""
    return licence.strip().lower() in UNKNOWN


def front_matter(licences: Collection[str]) -> dict[str, Any]:
    """`license` (and `license_name`) of a card for rows under these licences.

    A word that is no identifier of the Hub, such as `MIT (contested)`, makes it `other` with the
    words as its name; several identifiers are listed.
    """
    stated = sorted({w.strip() for w in licences})
    lowered = [w.lower() for w in stated]
    if all(w in _HUB for w in lowered):
        return {"license": lowered[0] if len(lowered) == 1 else lowered}
    name = "-".join(re.sub(r"[^a-z0-9.]+", "-", w).strip("-") for w in lowered)
    return {"license": "other", "license_name": name[:96] or "see-card"}
