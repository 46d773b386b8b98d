"""What publishing datasets and adapters share: names, folders, cards, words."""

from __future__ import annotations

from pathlib import Path

import pytest

from lorid_data.errors import ConfigError
from lorid_data.hub.publishing import CARD, DRY_RUN, check_revision, said, workplace, write_card
from lorid_data.hub.push import Pushed


def test_a_pull_request_goes_to_main_and_names_are_plain() -> None:
    check_revision("main", None, create_pr=True)
    check_revision("dev", "v1", create_pr=False)
    for revision, tag, create_pr, said_of in (
        ("dev", None, True, "--create-pr opens a pull request to 'main'"),
        ("refs/x", None, False, "--revision 'refs/x'"),
        ("main", "a b", False, "--tag 'a b'"),
    ):
        with pytest.raises(ConfigError, match=said_of):
            check_revision(revision, tag, create_pr=create_pr)


def test_a_temporary_workplace_goes_and_that_of_a_dry_run_stays_when_it_is_whole(
    tmp_path: Path,
) -> None:
    with workplace(None) as folder:
        (folder / "a").write_text("a")
    assert not folder.exists()
    out = tmp_path / "deep" / "out"
    with pytest.raises(FileNotFoundError), workplace(out) as folder:
        (folder / "not there" / "half").write_text("a")
    assert not out.exists()
    with workplace(out) as folder:
        (folder / "whole").write_text("a")
        assert not out.exists()
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    assert sorted(p.name for p in out.iterdir()) == [DRY_RUN, "whole"]


def test_a_workplace_takes_the_place_of_a_folder_only_where_it_may(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("a")
    with pytest.raises(ConfigError, match="not written by a dry run"), workplace(out) as folder:
        (folder / "new").write_text("a")
    assert [p.name for p in out.iterdir()] == ["old"]
    (out / "old").unlink()
    for name in ("new", "newer"):
        with workplace(out) as folder:
            (folder / name).write_text("a")
        assert sorted(p.name for p in out.iterdir()) == [DRY_RUN, name]


def test_the_tag_is_made_of_all_files_and_the_card_names_it(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a")

    def card(tag: str) -> str:
        return f"# {tag}"

    tag = write_card(tmp_path, card, None)
    assert (tmp_path / CARD).read_text() == f"# {tag}"
    assert write_card(tmp_path, card, None) == tag
    (tmp_path / "data").write_text("b")
    assert write_card(tmp_path, card, None) != tag
    assert write_card(tmp_path, card, "v1") == "v1"
    assert (tmp_path / CARD).read_text() == "# v1"


@pytest.mark.parametrize(
    ("pushed", "words"),
    [
        (Pushed("c", made_commit=True, tag="v1"), "one commit, tag v1"),
        (Pushed("c", made_commit=False, tag="v1"), "nothing changed, no commit, tag v1"),
        (Pushed("c", made_commit=True, tag=None, pull_request="refs/pr/3"), "pull request refs/pr/3"),
    ],
)  # fmt: skip
def test_what_a_push_did(pushed: Pushed, words: str) -> None:
    assert said(pushed) == words
