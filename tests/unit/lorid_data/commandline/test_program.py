"""The rules that both commands share: exit status, --config FILE, progress."""

import errno
import io
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import pytest
from cyclopts import App, Parameter, validators

from lorid_data.commandline import failures
from lorid_data.commandline.options import is_secret, take_config
from lorid_data.commandline.program import make_app, run
from lorid_data.commandline.progress import Progress
from lorid_data.errors import ConfigError, InputError, LockedError, StageError


@pytest.fixture
def calls() -> list[dict[str, object]]:
    return []


@pytest.fixture
def app(calls: list[dict[str, object]]) -> App:
    app = make_app("demo", "A demonstration.")

    @app.command
    def build(
        source: str,
        *,
        teacher: str,
        out: Path,
        split: Literal["train", "test"] = "train",
        limit: Annotated[int | None, Parameter(validator=validators.Number(gte=1))] = None,
        against: tuple[str, ...] = (),
        dry_run: bool = False,
    ) -> int | None:
        calls.append(
            {
                "source": source,
                "teacher": teacher,
                "out": out,
                "split": split,
                "limit": limit,
                "against": against,
                "dry_run": dry_run,
            }
        )
        return 1 if teacher == "fails" else None

    return app


def raising(error: BaseException) -> App:
    app = make_app("demo", "A demonstration.")

    @app.command
    def go() -> None:
        raise error

    return app


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_command_line_wins_over_the_file(
    app: App, calls: list[dict[str, object]], tmp_path: Path
) -> None:
    file = write(
        tmp_path,
        "source: gsm8k\nteacher: recorded\nout: o\nlimit: 3\nagainst: [a, b]\ndry-run: true\n",
    )
    assert run(app, ["build", "--config", file, "--limit", "7"]) == 0
    assert calls == [
        {
            "source": "gsm8k",
            "teacher": "recorded",
            "out": Path("o"),
            "split": "train",
            "limit": 7,
            "against": ("a", "b"),
            "dry_run": True,
        }
    ]


def test_the_file_may_be_named_with_an_equals_sign(
    app: App, calls: list[dict[str, object]], tmp_path: Path
) -> None:
    file = write(tmp_path, "teacher: none\nout: o\n")
    assert run(app, [f"--config={file}", "build", "math"]) == 0
    assert calls[0]["source"] == "math"


def test_a_file_does_not_outlive_its_run(app: App, tmp_path: Path) -> None:
    file = write(tmp_path, "teacher: none\nout: o\n")
    assert run(app, ["build", "math", "--config", file]) == 0
    assert run(app, ["build", "math"]) == 2


def test_all_problems_are_listed_at_once(
    app: App, calls: list[dict[str, object]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "limti: 3\nlimit: abc\nsplit: trein\napi_key: 12345\nteacher: none\n")
    assert run(app, ["build", "--config", file]) == 2
    err = capsys.readouterr().err
    assert not calls
    for part in (
        "unknown key 'limti'; did you mean 'limit'?",
        '"abc"',
        '"trein"',
        "'api_key': secrets are read from the environment only",
        "SOURCE is missing; give it behind the command's name",
        "--out is missing; give it on the command line or in --config FILE",
    ):
        assert part in err, part
    assert "12345" not in err
    assert "Traceback" not in err


def test_a_secret_is_found_by_its_shape_and_not_printed(
    app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "source: s\nteacher: none\nout: o\nagainst: [sk-abcdefghijkl]\n")
    assert run(app, ["build", "--config", file]) == 2
    err = capsys.readouterr().err
    assert "looks like a secret" in err
    assert "sk-abc" not in err


@pytest.mark.parametrize(
    "argv",
    [
        ["bild"],
        ["build", "s", "--teacher", "t", "--out", "o", "--limti", "3"],
        ["build", "s", "--teacher", "t", "--out", "o", "--limit", "0"],
        ["build", "s", "--teacher", "t", "--out", "o", "--config"],
        ["build", "s", "--config", "a", "--config", "b"],
        ["build", "s", "--config", "no-such-file.yaml"],
    ],
)
def test_wrong_usage_is_status_2(
    app: App,
    calls: list[dict[str, object]],
    argv: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(app, argv) == 2
    assert capsys.readouterr().err.startswith("error:")
    assert not calls


def test_an_unknown_option_names_the_nearest(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    run(app, ["build", "s", "--teacher", "t", "--out", "o", "--limti", "3"])
    assert "Did you mean --limit?" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["- a list\n", "a: [\n", "1: 2\n"])
def test_a_file_that_is_no_mapping_is_named(
    app: App, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, text)
    assert run(app, ["build", "s", "--config", file]) == 2
    assert "config.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (ConfigError("a", "b"), 2, "- a\n- b"),
        (InputError("no column"), 2, "no column"),
        (LockedError("busy"), 1, "busy"),
        (StageError("gate"), 1, "gate"),
        (KeyboardInterrupt(), 130, "run the same command again"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "the disk is full"),
        (OSError("No space left on device (os error 28)"), 1, "the disk is full"),
        (OSError(errno.EFBIG, "File too large"), 1, "the disk is full"),
        (sqlite3.OperationalError("database or disk is full"), 1, "the disk is full"),
        (pl.exceptions.ComputeError("parquet: No space left on device"), 1, "the disk is full"),
        (sqlite3.OperationalError("disk I/O error"), 1, "disk I/O error"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "Permission denied"),
        (ExceptionGroup("g", [StageError("inner")]), 1, "inner"),
    ],
)
def test_every_expected_error_is_one_message_and_a_status(
    error: BaseException, status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(raising(error), ["go"]) == status
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err


def test_a_full_disk_is_found_behind_another_error() -> None:
    error = StageError("could not write")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert run(raising(error), ["go"]) == 1


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("no space left on device"), pl.exceptions.ComputeError("a bug")]
)
def test_an_unexpected_error_is_not_swallowed(error: Exception) -> None:
    with pytest.raises(type(error)):
        run(raising(error), ["go"])


def test_a_status_that_the_command_returns_is_passed_on(app: App) -> None:
    assert run(app, ["build", "s", "--teacher", "fails", "--out", "o"]) == 1


def clock_of(*times: float) -> Callable[[], float]:
    left = list(times)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_progress_counts_rate_and_time_left() -> None:
    out = io.StringIO()
    progress = Progress("build", 100, done=20, stream=out, clock=clock_of(0, 0, 10))
    with progress:
        progress.advance(20, kept=18, rejected=2)
        assert progress.line() == "build: 40/100 (40%), kept 18, rejected 2, 2.0/s, 30 s left"
    assert out.getvalue().endswith("2.0/s, 30 s left\n")


def test_a_bound_is_of_the_number_alone_and_says_what_follows_uncounted() -> None:
    progress = Progress("evaluate", None, stream=io.StringIO(), clock=clock_of(0, 10, 10))
    progress.limit(100, is_bound=True, then="votes")
    progress.advance(20)
    assert progress.line() == "evaluate: 20 of at most 100, then votes, 2.0/s, 40 s left if all are needed"  # fmt: skip
    progress.limit(40)
    assert progress.line() == "evaluate: 20/40 (50%), 2.0/s, 10 s left"


def test_progress_ticks_while_nothing_advances() -> None:
    class Seen(io.StringIO):
        pass

    out = Seen()
    with Progress("audit", None, stream=out, every_s=0.01) as progress:
        while "audit: 0" not in out.getvalue():
            pass
        progress.advance()
    assert "audit: 1" in out.getvalue()


def test_take_config_leaves_what_follows_two_dashes_alone() -> None:
    assert take_config(["a", "--", "--config", "x"]) == (
        ["a", "--", "--config", "x"],
        None,
    )


def test_a_note_that_fails_does_not_end_the_telling() -> None:
    out = io.StringIO()

    def note(*_: int) -> str:
        raise sqlite3.OperationalError("database is locked")

    with Progress("build", 3, stream=out, every_s=0.01) as progress:
        progress.note = note
        progress.advance()
        while out.getvalue().count("\n") < 3:
            pass
    assert "1/3 (33%)" in out.getvalue()
    assert "no more is known (OperationalError: database is locked)" in out.getvalue()


@pytest.mark.parametrize(
    ("key", "value", "is_one"),
    [
        ("max_token", 512, False), ("max-token", 512, False), ("min_tokens", 3, False), ("eos_token", "</s>", False),
        ("pad_token", "<pad>", False), ("sort_key", "name", False), ("hub_token", None, False), ("use_auth_token", True, False),
        ("hub_token", "hf_abcdefgh", True), ("api_key", 12345, True), ("token", 1, True), ("key", "x", True),
        ("OPENAI-API-KEY", "x", True), ("password", 1234, True), ("my_secret", "x", True), ("access_token", "x", True),
    ],
)  # fmt: skip
def test_a_secret_is_told_from_a_number_of_tokens(key: str, value: object, is_one: bool) -> None:
    assert is_secret(key, value) is is_one


@pytest.mark.parametrize(
    ("number", "said"),
    [(28, "the disk is full"), (27, "the disk is full"), (13, "Permission denied")],
)
def test_a_library_that_writes_by_itself_has_its_failure_said(
    number: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors import SafetensorError

    error = SafetensorError(
        f"Error while serializing: I/O error: {os.strerror(number)} (os error {number})"
    )
    assert failures.status_of(error) == 1
    assert said in capsys.readouterr().err
    with pytest.raises(ValueError, match="os error"):  # of nobody who writes files
        failures.status_of(ValueError(f"(os error {number})"))
