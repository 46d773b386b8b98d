"""What publishing a dataset and publishing adapters have in common, around the push itself."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError, LoridError
from lorid_data.http.retrying import RetryPolicy
from lorid_data.hub.calls import Patience
from lorid_data.hub.push import Pushed
from lorid_data.hub.state import RemoteState, Target, local_files, read_state
from lorid_data.hub.tags import check_tag, content_tag

if TYPE_CHECKING:
    from huggingface_hub import HfApi

CARD = "README.md"


def check_revision(revision: str, tag: str | None, *, create_pr: bool) -> None:
    """Refuse names of a branch and a tag that git or the Hub would not take as they are meant.

    Raises:
        ConfigError: such a name, or a pull request to another branch than main.
    """
    if create_pr and revision != "main":
        msg = f"--create-pr opens a pull request to 'main'; --revision {revision!r} does not go with it"
        raise ConfigError(msg)
    check_tag(revision, "--revision")
    if tag is not None:
        check_tag(tag, "--tag")


def client() -> HfApi:
    """A client of the Hub; it draws no bars where nobody looks."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    if not sys.stderr.isatty():
        disable_progress_bars()
    return HfApi(library_name="lorid")


def patience_of(*, dry_run: bool) -> Patience:
    """How long the Hub is waited for: a dry run can do without it."""
    return Patience(RetryPolicy(attempts=2)) if dry_run else Patience(is_push=True)


def state_before(
    api: HfApi, target: Target, patience: Patience, *, dry_run: bool
) -> RemoteState | None:
    """What the Hub holds before anything is sent; a dry run goes on without it, as None.

    Raises:
        StageError: it cannot be reached, or refuses; not in a dry run.
    """
    try:
        return read_state(api, target, patience)
    except LoridError as e:
        if not dry_run:
            raise
        say(f"warning: not compared with the Hub: {e}")
        return None


@contextmanager
def workplace(dry_run: Path | None, *, replace: bool = False) -> Iterator[Path]:
    """An empty folder to write into. That of a dry run gets its name when it is whole.

    Args:
        dry_run: where the folder is to stay; None: it is temporary.
        replace: whether it takes the place of a folder of that name.
    """
    if dry_run is None:
        with tempfile.TemporaryDirectory(prefix="lorid-publish-") as folder:
            yield Path(folder)
        return
    tmp = dry_run.with_name(f".{dry_run.name}.tmp")
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir(parents=True)
    yield tmp
    if replace:
        shutil.rmtree(dry_run, ignore_errors=True)
    tmp.rename(dry_run)


def write_card(folder: Path, card: Callable[[str], str], tag: str | None) -> str:
    """Write the card into a folder that is whole but for it; the tag.

    Args:
        folder: what is published.
        card: the card's text, by the tag that it names.
        tag: the tag that was asked for. By default it is made of all files, and so of the card
            without it.
    """
    (folder / CARD).write_text(card(tag or ""), encoding="utf-8")
    tag = tag or content_tag(local_files(folder))
    (folder / CARD).write_text(card(tag), encoding="utf-8")
    return tag


def said(pushed: Pushed) -> str:
    """What a push did, in a few words for people."""
    what = "one commit" if pushed.made_commit else "nothing changed, no commit"
    if pushed.pull_request:
        what = f"pull request {pushed.pull_request}"
    return f"{what}, tag {pushed.tag}" if pushed.tag else what
