"""A Hub that cannot be reached: said once, at once, and what was downloaded is still found."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from huggingface_hub import constants

from lorid_data.cli.app import main
from lorid_data.commandline import waiting
from lorid_data.errors import ConfigError, InputError, StageError
from lorid_data.hub import reach, reading, snapshots
from lorid_data.hub.calls import Patience, given_up
from lorid_data.hub.publishing import patience_of


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """The Hub is at a port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(reach, "_seen", {})
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return address


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every connection that is tried."""
    tried: list[object] = []
    connect = socket.socket.connect

    def counted(self: socket.socket, address: object) -> None:
        tried.append(address)
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", counted)
    return tried


def test_a_dataset_is_not_looked_for_again_and_again(
    nowhere: str, connections: list[object]
) -> None:
    for _ in range(3):
        with pytest.raises(InputError, match=r"cannot be reached: .*refused.*--wait") as e:
            reading.config_names(reading.HubRef("someone/something"))
    assert nowhere in str(e.value)
    assert "\n" not in str(e.value)
    assert len(connections) == 1
    assert constants.HF_HUB_OFFLINE is False, "only the look-up stays off the network"


def test_a_model_is_not_looked_for_again_and_again(nowhere: str, connections: list[object]) -> None:
    with pytest.raises(ConfigError, match=r"someone/something@v1: the Hub .* cannot be reached"):
        snapshots.download("someone/something", "model", "v1", ["*.json"], Patience())
    assert len(connections) == 1


def test_what_was_downloaded_is_found_without_a_network(
    nowhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "a" * 40
    repo = tmp_path / "models--me--mine"
    folder = repo / "snapshots" / commit
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(tmp_path))
    assert snapshots.download("me/mine", "model", None, ["*.json"], Patience()) == folder


def test_publishing_does_not_begin(nowhere: str) -> None:
    with pytest.raises(StageError, match=r"publishing me/x: the Hub .* cannot be reached.*--wait"):
        reach.require("publishing me/x")


def test_who_asks_to_wait_is_told_and_served_when_the_network_is_back(
    nowhere: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = iter(["refused", "refused", None])
    paused: list[float] = []
    monkeypatch.setattr(reach, "_tried", lambda _: next(looks))
    monkeypatch.setattr(reach.time, "sleep", paused.append)
    with waiting.waiting(asked=True):
        assert reach.fault() is None
    assert len(paused) == 2
    assert "waiting up to 10 minutes" in capsys.readouterr().err
    assert not waiting.is_waiting()


def test_wait_goes_with_any_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(
        "lorid_data.view.write.view", lambda *_, **__: seen.append(waiting.is_waiting()) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        main(["view", str(tmp_path), "--wait", "--out", str(tmp_path / "x.html")])
    assert seen == [True]
    assert os.environ.get("LORID_WAIT") is None
    assert waiting.take_wait(["a", "--", "--wait"]) == (["a", "--", "--wait"], False)


def test_only_what_publishes_speaks_of_things_half_done() -> None:
    reading_ends = given_up(
        "reading x", OSError("no"), 2, is_push=patience_of(dry_run=True).is_push
    )
    assert "half done" not in reading_ends
    assert reading_ends.endswith("run the same command again")
    assert patience_of(dry_run=False).is_push
    assert "nothing is half done on the Hub" in given_up("x", OSError("no"), 2, is_push=True)
