"""What must hold before a dataset is published, and what was let through all the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from lorid_data.cards.licences import is_unknown
from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError, InputError, unknown_key
from lorid_data.folders.files import sha256_file
from lorid_data.folders.names import RECORDS
from lorid_data.folders.sealed_rows import read_sealed_rows
from lorid_data.publish.chain import Chain
from lorid_data.publish.contents import AUDIT
from lorid_data.publish.statistics import Statistics
from lorid_data.schema import FrozenModel
from lorid_data.texts.counting import count

GATES = ("validate", "decontaminate", "audit")


class Gate(FrozenModel):
    """One gate: whether it is met, and why (not)."""

    name: str
    is_met: bool
    is_allowed: bool
    """Whether it may be passed unmet; the card says so."""
    why: str


def check_gates(chain: Chain, allow: Collection[str] = ()) -> tuple[Gate, ...]:
    """The state of every gate. A stage that was never run is a gate that is not met.

    Raises:
        ConfigError: `allow` names no gate.
    """
    unknown = [unknown_key(a, GATES, "--allow") for a in allow if a not in GATES]
    if unknown:
        raise ConfigError(*unknown)
    states = {
        "validate": _stage_gate(chain, "validate"),
        "decontaminate": _stage_gate(chain, "decontaminate"),
        "audit": _audit_gate(chain.last.folder),
    }
    return tuple(
        Gate(name=name, is_met=is_met, is_allowed=name in allow, why=why)
        for name, (is_met, why) in states.items()
    )


def refusals(gates: Collection[Gate], statistics: Statistics) -> list[str]:
    """Why this may not be published, in sentences; empty where it may."""
    found = [
        f"gate {g.name!r} is not met: {g.why}; meet it, or pass --allow {g.name}, which the card will say"
        for g in gates
        if not g.is_met and not g.is_allowed
    ]
    for source, licences in statistics.by_source.items():
        n = sum(count for licence, count in licences.items() if is_unknown(licence))
        if n:
            found.append(
                f"the licence of {n:,} rows of {source!r} is unknown; state it when the rows are "
                "made (a column `licence`, or --licence), no exception is made for it"
            )
    return found


def _stage_gate(chain: Chain, stage: str) -> tuple[bool, str]:
    link = chain.find(stage)
    if link is None:
        earlier = (
            f"; the folder before {chain.links[0].manifest.stage!r} was not found: name it with --parents"
            if chain.missing
            else ""
        )
        return False, f"the stage {stage!r} was not run on these rows{earlier}"
    unmet = _unmet(link.manifest.figures.get("gates"))
    if unmet:
        return False, f"its manifest says: {unmet}"
    n = sum(link.manifest.n_rejected.values())
    return (
        True,
        f"{count(link.manifest.n_in, 'row')} in, {link.manifest.n_kept:,} kept, {n:,} rejected",
    )


def _audit_gate(folder: Path) -> tuple[bool, str]:
    audit = read_audit(folder)
    if audit is None:
        return False, "the audit was not run on these rows"
    if audit.get("records_sha256") != sha256_file(folder / RECORDS):
        return False, f"{AUDIT} belongs to other rows; run the audit again"
    unmet = _unmet(audit.get("gates"))
    if unmet:
        return False, unmet
    return True, "every gate of the audit is met"


def current_audit(folder: Path) -> dict[str, Any] | None:
    """The audit of exactly these rows, or None: what was found in others says nothing of them.

    Raises:
        InputError: it is no JSON object.
    """
    audit = read_audit(folder)
    if audit is None or audit.get("records_sha256") == sha256_file(folder / RECORDS):
        return audit
    say(f"warning: {folder / AUDIT}: an audit of other rows; the card does not show it")
    return None


def read_audit(folder: Path) -> dict[str, Any] | None:
    """The folder's `audit.json` without its rows, or None; it may be of other rows, see `current_audit`.

    Raises:
        InputError: it is no JSON object.
    """
    path = folder / AUDIT
    if not path.is_file():
        return None
    try:
        return read_sealed_rows(path, "rows")[0]
    except (ValueError, RecursionError) as e:
        raise InputError(f"{path}: not an audit that can be trusted ({e}); run it again") from e


def _unmet(gates: object) -> str:
    """What the gates that are not met say, in any of the shapes a stage writes them in."""
    if isinstance(gates, Mapping):
        named = [(str(k), v) for k, v in gates.items()]
    elif isinstance(gates, list):
        named = [(str(g.get("check", g.get("name"))), g) for g in gates if isinstance(g, Mapping)]
    else:
        return ""
    return "; ".join(_message(name, value) for name, value in named if not _is_met(value))


def _message(name: str, value: object) -> str:
    said = value.get("message") if isinstance(value, Mapping) else None
    return f"{name}: {said}" if said else name


def _is_met(value: object) -> bool:
    if not isinstance(value, Mapping):
        return bool(value)
    return "met" in value and value["met"] is not False  # None: the check was not applied
