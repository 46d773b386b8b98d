"""Licences as rows state them, as the Hub's front matter spells them. Nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

_HUB = frozenset({
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsl-1.0", "cc", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0",
    "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0",
    "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0",
    "cc0-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "ecl-2.0",
    "epl-2.0", "eupl-1.1", "eupl-1.2", "gemma", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "isc",
    "lgpl", "lgpl-2.1", "lgpl-3.0", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3",
    "mit", "mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by", "ofl-1.1", "openrail", "osl-3.0",
    "pddl", "postgresql", "unlicense", "wtfpl", "zlib",
})  # fmt: skip
"""Identifiers that the Hub accepts in front matter."""
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
