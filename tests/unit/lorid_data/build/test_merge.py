"""A build in shards: the folders of all of them make the folder of one build, byte for byte."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from lorid_data.build import BuildOptions, build
from lorid_data.build.merge import merge
from lorid_data.build.shard import Shard, parse_shard, shard_of
from lorid_data.cli.app import main
from lorid_data.errors import ConfigError

N = 1100


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.jsonl"
    rows = [{"question": f"q{i % 900}" if i % 97 else " ", "rationale": f"so {i % 3}", "answer": "1"} for i in range(N)]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def script(tmp_path: Path) -> str:
    path = tmp_path / "s.jsonl"
    lines = [{"output": [f"rule {i}"]} if i % 7 else {"text": "no JSON"} for i in range(N)]
    path.write_text("\n".join(map(json.dumps, lines)))
    return f"scripted:{path}"


def same(a: Path, b: Path) -> bool:
    names = ["records.parquet", "rejects.parquet", "manifest.json", "config.yaml", "README.md"]
    return all((a / n).read_bytes() == (b / n).read_bytes() for n in names)


@pytest.mark.parametrize("n", [1, 3, 4])
def test_all_shards_are_the_whole(tmp_path: Path, table: Path, n: int) -> None:
    options = {"source": str(table), "teacher": "none"}
    build(BuildOptions(**options), tmp_path / "whole")
    shards = [tmp_path / f"s{i}" for i in range(1, n + 1)]
    sizes = [build(BuildOptions(**options, shard=f"{i}/{n}"), s).n_in for i, s in enumerate(shards, 1)]  # fmt: skip
    assert sum(sizes) == N
    assert max(sizes) - min(sizes) <= 1
    merge(shards[::-1], tmp_path / "merged")
    assert same(tmp_path / "whole", tmp_path / "merged")
    assert merge(shards, tmp_path / "merged").n_in == N  # done: nothing to do
    assert build(BuildOptions(**options), tmp_path / "merged").n_in == N  # and a build says so too


def test_shards_that_asked_have_one_journal_in_the_end(tmp_path: Path) -> None:
    table = tmp_path / "u.jsonl"
    rows = [{"question": f"q{i}", "rationale": "so", "answer": "1"} for i in range(N)]
    table.write_text("\n".join(map(json.dumps, rows)))
    options = {"source": str(table), "teacher": script(tmp_path)}
    build(BuildOptions(**options), tmp_path / "whole")
    shards = [tmp_path / f"s{i}" for i in (1, 2)]
    for i, folder in enumerate(shards, 1):
        build(BuildOptions(**options, shard=f"{i}/2"), folder)
    (tmp_path / "merged").mkdir()
    merge(shards, tmp_path / "merged")
    assert same(tmp_path / "whole", tmp_path / "merged")
    counts = []
    for folder in (tmp_path / "whole", tmp_path / "merged"):
        connection = sqlite3.connect(folder / "journal.sqlite")
        counts.append(connection.execute("SELECT count(*), count(DISTINCT request_key) FROM replies").fetchone())  # fmt: skip
        connection.close()
    assert counts[0] == counts[1] == (N, N)
    assert main(["reparse", str(tmp_path / "merged")]) == 0


def test_what_is_no_whole_set_of_shards_is_refused(tmp_path: Path, table: Path) -> None:
    made = {}
    for i, limit in ((1, None), (2, None), (2, 50)):
        folder = tmp_path / f"s{i}-{limit}"
        build(BuildOptions(source=str(table), teacher="none", shard=f"{i}/3", limit=limit), folder)
        made[i, limit] = folder
    build(BuildOptions(source=str(table), teacher="none"), tmp_path / "whole")
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="shards are missing: 3/3"):
        merge([made[1, None], made[2, None]], out)
    first, second = made[1, None], made[2, None]
    for again in (first, first / ".." / first.name):
        with pytest.raises(ConfigError, match="is named twice; name each shard once"):
            merge([first, again, second], out)
    with pytest.raises(ConfigError, match="is of another build"):
        merge([made[1, None], made[2, 50]], out)
    with pytest.raises(ConfigError, match="is no shard"):
        merge([made[1, None], tmp_path / "whole"], out)
    assert not out.exists()
    with pytest.raises(ConfigError, match="write I/N"):
        build(BuildOptions(source=str(table), teacher="none", shard="4/3"), out)
    with pytest.raises(ConfigError, match="asked once"):
        build(BuildOptions(source=str(table), teacher=("recorded", "none"), shard="1/3"), out)
    assert not out.exists()


def test_shards_are_blocks_one_behind_the_other() -> None:
    assert str(parse_shard("2/8")) == "2/8"
    for n_rows in (0, 1, 7, 100):
        for n in (1, 3, 8):
            rows = [i for k in range(1, n + 1) for i in Shard(k, n).rows(n_rows)]
            assert rows == list(range(n_rows))
    for wrong in ("0/3", "4/3", "1/0", "1", "1/3 ", "", None, 3):
        assert shard_of(wrong) is None
