"""Adapter folders: the card beside the weights, and what fits together.

An adapter works with the base model, the prompt and the format that it was trained with, and
fails in silence with any other; its card names all three, each with its hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.folders.verified import verify
from lorid_data.hub.ids import near
from lorid_data.prompts import Prompt
from lorid_train import formats
from lorid_train.models import base_model
from lorid_train.models.base_model import Base, resolve
from lorid_train.models.fetching import Fetched, fetch, is_hub_id
from lorid_train.models.foreign import foreign_metadata
from lorid_train.models.untrusted import read_object, refuse_adapter_config
from lorid_train.models.whole import Whole, is_whole, open_wholes, pinned
from lorid_train.roles import ROLES
from lorid_train.roles import role as role_named

CARD = "lorid.json"
"""File beside an adapter's weights that says how to use it."""
WEIGHTS = "adapter_model.safetensors"
_CARD_FIELDS = ("role", "format", "format_sha256")


def write_metadata(folder: Path, card: dict[str, Any]) -> None:
    """Write how an adapter must be used: role, format, prompt and base, each with its hash."""
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")


def read_metadata(folder: Path, where: str | None = None) -> dict[str, Any] | None:
    """The card of an adapter folder; None where another program made the adapter.

    Raises:
        ConfigError: no adapter there, or one with pickled weights only.
    """
    if not folder.is_dir():
        msg = f"{where or folder}: no such folder; name an adapter's folder, or OWNER/NAME[@REVISION] of the Hub{near(folder)}"
        raise ConfigError(msg)
    if not (folder / WEIGHTS).is_file():
        pickled = "; pickled weights are refused" if any(folder.glob("*.bin")) else ""
        msg = f"{where or folder}: no adapter here ({WEIGHTS} is missing{pickled})"
        raise ConfigError(msg)
    _verify_in_run(folder)
    refuse_adapter_config(folder, where or str(folder))
    path = folder / CARD
    if not path.is_file():
        return None
    card = read_object(path, where or str(folder))
    _refuse_gaps(card, ("base", "base_fingerprint"), where or str(folder))
    return card


def _refuse_gaps(card: Mapping[str, Any], needed: Sequence[str], where: str) -> None:
    if missing := [k for k in needed if not isinstance(card.get(k), str)]:
        msg = (
            f"{where}: {CARD} lacks {', '.join(missing)}; it is no card of this project, or damaged"
        )
        raise ConfigError(msg)


def _verify_in_run(folder: Path) -> None:
    """Check an adapter's files against the manifest of the run that holds it, where one does.

    Raises:
        InputError: a file is missing or has changed since the run was finished.
    """
    run = folder.resolve().parent.parent
    inner = f"adapters/{folder.resolve().name}/"
    if folder.resolve().parent.name == "adapters" and (run / MANIFEST).is_file():
        manifest = read_manifest(run)
        verify(run, manifest, [name for name in manifest.files if name.startswith(inner)])


def own_metadata(folder: Path) -> dict[str, Any]:
    """The card of an adapter that this project trained.

    Raises:
        ConfigError: no adapter there, or one that this project did not write.
    """
    card = read_metadata(folder)
    if card is None:
        msg = f"{folder}: {CARD} is missing, so its prompt format is unknown"
        raise ConfigError(msg)
    return card


@dataclass(frozen=True, slots=True)
class Adapters:
    """Checked adapters by role: they share a base model and a prompt format.

    Attributes:
        base: of the adapters; where there are none, that of the first whole model.
        format: likewise.
        names: what to ask for to get each again: a folder, `owner/name@COMMIT` or `model:…`.
        wholes: the roles that a model plays without an adapter, on a base of its own.
    """

    folders: dict[str, Path]
    base: Base
    format: formats.Format
    sha256: dict[str, str]
    names: dict[str, str]
    wholes: dict[str, Whole] = field(default_factory=dict)

    def pinned(self) -> Adapters:
        """The same on bases at the commits that their names stand for today; see `base_model.pinned`."""
        wholes = {r: pinned(w) for r, w in self.wholes.items()}
        base = base_model.pinned(self.base) if self.folders else next(iter(wholes.values())).base
        names = {**self.names, **{r: w.place for r, w in wholes.items()}}
        return replace(self, base=base, wholes=wholes, names=names)

    @property
    def prompts(self) -> dict[str, Prompt]:
        """By role, the words of the user's own in which a whole model is asked."""
        return {r: w.prompt for r, w in self.wholes.items() if w.prompt is not None}

    @property
    def players(self) -> dict[str, str]:
        """Who plays each role that no adapter plays; empty where adapters play all."""
        return {r: w.words for r, w in self.wholes.items()}

    def content(self, role: str, question: str, knowledge: str = "") -> str:
        """A role's text for one question, in the words of whoever plays it."""
        prompt = self.wholes[role].prompt if role in self.wholes else None
        return role_named(role).content(question, knowledge, prompt)


def folders_of(given: Sequence[str]) -> dict[str, str]:
    """Where each role's adapter is, from `RUN`, `owner/name` or `ir=… kg=… dr=…`.

    A run folder gives the roles that it holds, a repository every role that there could be: which
    of them are needed, and whether they are there, `open_adapters` says.

    Raises:
        ConfigError: none of them, an unknown role, or a folder without adapters.
    """
    if len(given) == 1 and "=" not in given[0]:
        run = Path(given[0])
        if is_hub_id(given[0]):  # one repository with a folder per role
            return {r: f"{given[0]}:{r}" for r in ROLES}
        found = {r: str(p) for r in ROLES if (p := run / "adapters" / r).is_dir()}
        if not found:
            what = "no adapters there" if run.is_dir() else "no such folder"
            msg = (
                f"{str(run)!r}: {what}; name a folder that lorid-train sft has finished, or "
                f"OWNER/NAME[@REVISION] of the Hub{'' if run.is_dir() else near(run)}"
            )
            raise ConfigError(msg)
        return found
    pairs = dict(g.partition("=")[::2] for g in given)
    if not pairs or set(pairs) - set(ROLES):
        msg = f"--adapters takes a run folder, or ROLE=FOLDER …, of {', '.join(ROLES)}; got {list(given)}"
        raise ConfigError(msg)
    return pairs


def _in_run(place: str, role: str) -> str:
    """A role's adapter where the place is a run folder; else the place."""
    inner = Path(place) / "adapters" / role
    return str(inner) if inner.is_dir() else place


def open_adapters(
    folders: Mapping[str, str],
    base: str | None,
    format_name: str | None = None,
    *,
    needed: Sequence[str] = ("ir", "kg", "dr"),
    told: Mapping[str, str] | None = None,
) -> Adapters:
    """Read the adapters' cards and refuse what does not fit together.

    Args:
        folders: by role: a folder, a run folder, `owner/name[@revision][:folder]` on the Hub, or `model:` and a
            base model that plays the role as it is.
        needed: the roles whose adapters are read; the others are left alone.
        base: the base model, where the adapters do not say it or it lies elsewhere.
        format_name: the prompt format of adapters that another program trained.
        told: formats and prompt files of whole models by role; see `whole.open_wholes`.

    Raises:
        ConfigError: an adapter is missing, of another role, format or base model; all problems.
    """
    if missing := [r for r in needed if r not in folders]:
        msg = (
            f"no adapter for {', '.join(missing)}, which would be drawn; there are "
            f"{', '.join(folders) or 'none'}: train the missing ones, or draw less"
        )
        raise ConfigError(msg)
    played = {r: folders[r] for r in needed if is_whole(folders[r])}
    wholes = open_wholes(
        played, {r: f for r, f in (told or {}).items() if r in needed or r not in folders}
    )
    fetched = {r: fetch(_in_run(folders[r], r)) for r in needed if r not in wholes}
    if not fetched:
        first = next(iter(wholes.values()))
        return Adapters({}, first.base, first.format, {}, dict(played), wholes)
    cards = {r: _card_of(f, r, format_name) for r, f in fetched.items()}
    chosen = _base_of(fetched, cards, base)
    problems = [
        p
        for r, c in cards.items()
        for p in _misfits(fetched[r].name, c, r, chosen, is_named=base is not None)
    ]
    if len({c["format"] for c in cards.values()}) > 1:
        problems.append(
            f"the adapters use several formats: { {r: c['format'] for r, c in cards.items()} }"
        )
    if len({c.get("template_date") for c in cards.values()}) > 1:
        days = {r: c.get("template_date") for r, c in cards.items()}
        problems.append(f"the adapters were trained with several template dates: {days}")
    if problems:
        raise ConfigError(*problems)
    _warn_of_the_unknown(fetched, cards, chosen)
    return Adapters(
        folders={r: f.folder for r, f in fetched.items()},
        base=chosen,
        format=_format_of(cards),
        sha256={r: sha256_file(f.folder / WEIGHTS) for r, f in fetched.items()},
        names={**{r: f.name for r, f in fetched.items()}, **played},
        wholes=wholes,
    )


def _format_of(cards: Mapping[str, Mapping[str, Any]]) -> formats.Format:
    """The format that all cards name, on their day."""
    card = next(iter(cards.values()))
    return formats.on(card["format"], card.get("template_date"))


def _warn_of_the_unknown(
    fetched: Mapping[str, Fetched], cards: Mapping[str, Mapping[str, Any]], chosen: Base
) -> None:
    """Say once what the cards of older adapters do not hold, and so cannot be checked."""
    old = [
        fetched[r].name
        for r, c in cards.items()
        if c["base_fingerprint"] and "tokenizer_sha256" not in c
    ]
    if old and chosen.tokenizer is not None:
        say(
            f"warning: {', '.join(old)}: trained before tokenizers were recorded; whether the tokenizer and "
            f"the chat template of {chosen.name!r} are the same still cannot be told"
        )


def _card_of(fetched: Fetched, role: str, format_name: str | None) -> dict[str, Any]:
    card = read_metadata(fetched.folder, fetched.name)
    if card is None:
        return foreign_metadata(fetched.folder, fetched.name, role, format_name)
    _refuse_gaps(card, _CARD_FIELDS, fetched.name)
    if format_name not in (None, card["format"]):
        msg = f"{fetched.name}: was trained with the format {card['format']!r}; leave out --format"
        raise ConfigError(msg)
    return card


def _base_of(
    fetched: Mapping[str, Fetched], cards: Mapping[str, dict[str, Any]], base: str | None
) -> Base:
    """The base model that was named, or the one that all adapters name."""
    named = {r: str(c.get("base_id") or c["base"]) for r, c in cards.items()}
    if base is None and len(set(named.values())) > 1:
        raise ConfigError(f"the adapters name several base models: {named}; name one with --base")
    first = next(iter(cards))
    name = base or named[first]
    if base is None and fetched[first].is_download and Path(name).exists():
        msg = f"{fetched[first].name}: names the folder {name!r} of this machine as its base; name the base with --base"
        raise ConfigError(msg)
    is_copy = base is not None and cards[first]["base_fingerprint"] is None
    is_pinned = base is not None and "@" in base  # what the user says, not the card
    revision = None if is_copy or is_pinned else cards[first].get("base_revision")
    try:
        found = resolve(name, revision)
        # A commit is what our own cards name, so it is what they are compared with.
        return base_model.pinned(found) if cards[first]["base_fingerprint"] else found
    except ConfigError as e:
        if base is not None:
            raise
        msg = f"{fetched[first].name}: {e}; or name the base with --base"
        raise ConfigError(msg) from e


def _or_left_out(card: Mapping[str, Any], chosen: Base) -> str:
    """What else helps who has named a base: to leave that to the adapter, where it names another."""
    own = str(card.get("base_id") or card["base"])
    return f", or leave it out to use {own!r}" if own != chosen.name else ""


def _short(fingerprint: str) -> str:
    """A fingerprint as people compare them: its first twelve digits; a commit keeps its repository."""
    kind, _, rest = fingerprint.partition(":")
    return f"{kind}:{rest[:12]}" if kind == "sha256" else fingerprint


def _misfits(
    where: str, card: Mapping[str, Any], role: str, chosen: Base, *, is_named: bool
) -> list[str]:
    """Why an adapter cannot be used in this role on this base."""
    problems = []
    if card["role"] != role:
        problems.append(f"{where}: was trained for the role {card['role']!r}, given as {role!r}")
    is_published_base = chosen.name == card.get("base_id") and chosen.fingerprint.startswith("hub:")
    # Of a foreign adapter no more is known than the name of its base.
    if card["base_fingerprint"] not in (None, chosen.fingerprint) and not is_published_base:
        todo = (
            f"give --base the model it was trained on{_or_left_out(card, chosen)}"
            if is_named
            else "name its base with --base"
        )
        problems.append(
            f"{where}: was trained on another base model ({card['base']!r}, "
            f"{_short(card['base_fingerprint'])}), not on {chosen.name!r} ({_short(chosen.fingerprint)}); {todo}"
        )
    trained_with = card.get("tokenizer_sha256")
    if not is_published_base and trained_with and chosen.tokenizer not in (None, trained_with):
        problems.append(
            f"{where}: was trained with another tokenizer or chat template than {chosen.name!r} has now; "
            "put the old files back, or train again"
        )
    if formats.load(card["format"]).sha256 != card["format_sha256"]:
        problems.append(f"{where}: its format {card['format']!r} differs from the one known here")
    return problems
