"""Datasets as the Hugging Face Hub lays them out: by id, or a local folder with the same layout.

Reading only. Code of a dataset is never run: `trust_remote_code` is not used anywhere.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from lorid_data.errors import InputError
from lorid_data.folders.table_packed import first_bad_line
from lorid_data.folders.table_plain import PlainCells
from lorid_data.folders.table_rows import AT_ONCE, Table, TableStream, heads_of
from lorid_data.folders.trees import files_below
from lorid_data.hub.front_matter import front_matter, named_outside
from lorid_data.hub.reach import not_cached, reached
from lorid_data.hub.redirects import Away, said_of, watching


@dataclass(frozen=True, slots=True)
class HubRef:
    """A dataset on the Hub or in a folder: `org/name`, `org/name@revision`, `org/name:config`.

    Attributes:
        id: Hub id or path of a local folder.
        revision: commit, tag or branch of a Hub id; None takes the head.
        config: one configuration; None takes all.
    """

    id: str
    revision: str | None = None
    config: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return bool(self.id) and Path(self.id).is_dir()

    def __str__(self) -> str:
        at = f"@{self.revision}" if self.revision else ""
        return f"{self.id}{at}{f':{self.config}' if self.config else ''}"


def parse_ref(text: str) -> HubRef:
    """A `HubRef` from `ID[@REVISION][:CONFIG]`; an existing folder is taken as it is, but for `:CONFIG`.

    A text that names nothing has an empty id; what reads a dataset refuses it.
    """
    if text and Path(text).is_dir():
        return HubRef(text)
    folder, _, inner = text.rpartition(":")
    if folder and Path(folder).is_dir():
        return HubRef(folder, config=inner or None)
    rest, _, config = text.partition(":")
    name, _, revision = rest.partition("@")
    return HubRef(name, revision or None, config or None)


def config_names(ref: HubRef) -> tuple[str, ...]:
    """The configurations that a dataset names, in its own order.

    Raises:
        InputError: the dataset cannot be found or reached.
    """
    import datasets

    if ref.config is not None:  # whether it may be read is looked at when it is
        return (ref.config,)
    with _readable(ref):
        _refuse_outside(ref)
        return tuple(datasets.get_dataset_config_names(ref.id, revision=ref.revision))
    raise AssertionError


def load(ref: HubRef, config: str, split: str) -> Table:
    """One configuration and split of a dataset, whole.

    Raises:
        InputError: no such dataset, configuration or split; it cannot be reached or read; no rows.
    """
    with opened(ref, config, split) as table:
        return table.whole()


@contextmanager
def opened(ref: HubRef, config: str, split: str) -> Iterator[TableStream]:
    """One configuration and split of a dataset, a batch of rows at a time, until the block ends.

    Raises:
        InputError: as `load`.
    """
    import datasets

    where = f"{ref.id} ({config}, {split})"
    with ExitStack() as stack:
        with _readable(ref):
            _refuse_outside(ref)
            if not sys.stderr.isatty():
                datasets.disable_progress_bars()
            cache = stack.enter_context(_cache_of(ref))
            data = cast(
                "datasets.Dataset",
                datasets.load_dataset(
                    ref.id, config, split=split, revision=ref.revision, cache_dir=cache
                ),
            )
            columns, n_rows = tuple(data.column_names), len(data)
            schema = data.features.arrow_schema

        def batches(wanted: Sequence[str]) -> Iterator[Table]:
            some = data.select_columns(list(wanted)).with_format("arrow").iter(AT_ONCE)
            plain = PlainCells(schema)
            for i, batch in enumerate(some):
                try:
                    rows = batch.to_pylist()
                except UnicodeDecodeError:  # found only where a text is looked at
                    with _readable(ref):
                        raise
                plain.read(rows)
                yield Table(where, columns, rows, first=i * AT_ONCE)

        if not n_rows:
            raise InputError(f"{where}: has no rows; an empty source is refused")
        yield TableStream(where, columns, n_rows, batches, heads_of(columns, batches))


def licence_of(ref: HubRef) -> str:
    """The licence that the dataset's card states, or `unknown`."""
    try:
        stated = _front_matter(ref).get("license")
    except (OSError, ValueError):
        return "unknown"
    return stated if isinstance(stated, str) and stated.strip() else "unknown"


def _front_matter(ref: HubRef) -> dict[str, Any]:
    """What the dataset's card says of itself; empty where it has none.

    Raises:
        ValueError: it cannot be read.
        OSError: it cannot be had.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    if ref.is_local:
        readme = Path(ref.id) / "README.md"
        return front_matter(readme) if readme.is_file() else {}
    try:
        found = hf_hub_download(ref.id, "README.md", repo_type="dataset", revision=ref.revision)
    except EntryNotFoundError:
        return {}
    return front_matter(Path(found))


def _refuse_outside(ref: HubRef) -> None:
    """`datasets` follows a card to any file of this machine, and to any address; and walks any folder.

    Raises:
        InputError: nothing is named, a folder is no bounded tree, or the card names what lies
            outside of its dataset.
    """
    if not ref.id.strip():
        raise InputError(f"{str(ref)!r}: names no dataset; give a Hub id (org/name) or a folder")
    if ref.is_local:
        files_below(Path(ref.id))
    named = named_outside(_front_matter(ref))
    if named is not None:
        raise InputError(f"{ref}: its README names {named!r}, which lies outside of it; take that out of its 'configs'")  # fmt: skip


@contextmanager
def _cache_of(ref: HubRef) -> Iterator[str | None]:
    """A cache folder that no other content shares; None is the usual one.

    For local folders `datasets` 5.2 names its cache after the folder's last component and its
    file patterns: it gives the old rows of a file that has changed, and the rows of another
    folder of the same name. So those are read through a cache of their own. Datasets of the Hub
    are cached by commit.
    """
    if not ref.is_local:
        yield None
        return
    with TemporaryDirectory(prefix="lorid-") as folder:
        yield folder


@contextmanager
def _readable(ref: HubRef) -> Iterator[None]:
    """Turn what `datasets` raises into one `InputError` that says what to do; a full disk passes."""
    from datasets.exceptions import DatasetsError

    away, why = Away(), None
    try:
        with nullcontext() if ref.is_local else reached() as why, watching() as away:
            yield
    except InputError:
        raise
    except (OSError, ValueError, RuntimeError, DatasetsError) as e:
        if isinstance(e, OSError) and e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        if why and not away.location:
            raise InputError(f"{ref}: {not_cached(why)}") from e
        sent_away = f"; {said_of(away.location)}" if away.location else ""
        raise InputError(_explain(ref, e) + sent_away) from e
    except Exception as e:  # whatever it is: what came back was not from the Hub
        if away.location is None:
            raise
        raise InputError(f"{ref}: {said_of(away.location)} ({type(e).__name__})") from e


def _explain(ref: HubRef, error: Exception) -> str:
    if ref.is_local:
        for path in files_below(Path(ref.id)):
            if path.suffix in (".jsonl", ".json", ".csv", ".txt"):
                bad = first_bad_line(path)
                if bad is not None:
                    return f"{path}:{bad[0]}: {bad[1]}; save the file as UTF-8"
        hint = "check that its README.md names the configuration, or that the files are laid out as on the Hub"
    else:
        hint = "check the id and the network, or give a local copy with --source-path"
    first = str(error).strip().splitlines() or [type(error).__name__]
    return f"{ref}: cannot be loaded ({first[0]}); {hint}"
