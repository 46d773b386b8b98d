"""Sources by name: mirrors and content hashes of MATH, the spread of a limit, local folders."""

import collections
import os
from pathlib import Path

import polars as pl
import pytest

from lorid_data.decontaminate.against import load_test_sets
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.draw_lines import sum_of
from lorid_data.folders.parquet import read_frame
from lorid_data.folders.tables import Table, open_table
from lorid_data.hub import reading
from lorid_data.schema import Problem, make_problem
from lorid_data.sources import math
from lorid_data.sources.registry import load, name_of, spread
from lorid_data.sources.table import content_hash
from lorid_data.sources.variants import load_variants


def problems(*subjects: str) -> list[Problem]:
    return [
        make_problem(
            source="s", split="train", question=str(i), rationale="", answer="", subject=subject
        )
        for i, subject in enumerate(subjects)
    ]


@pytest.mark.parametrize(
    ("subjects", "limit", "expected"),
    [
        ("aaabbb", 4, [0, 1, 3, 4]),
        ("aaabbb", 3, [0, 1, 3]),
        ("aaabbb", 99, [0, 1, 2, 3, 4, 5]),
        ("abbbbbccc", 7, [0, 1, 2, 3, 6, 7, 8]),
        ("abcabc", 2, [0, 1]),
        ("bababa", 4, [0, 1, 2, 3]),
        ("aaaa", 2, [0, 1]),
    ],
)
def test_a_limit_is_spread_over_the_subjects_in_source_order(
    subjects: str, limit: int, expected: list[int]
) -> None:
    assert [int(p.question) for p in spread(problems(*subjects), limit)] == expected


def fake_math(rows: int = 2) -> dict[str, list[tuple[str, str]]]:
    return {s: [(f"{s} {i}", f"so \\boxed{{{i}}}") for i in range(rows)] for s in math.SUBJECTS}


class Mirrors:
    """Stands for the Hub: which copy answers with what."""

    def __init__(self, **content: object) -> None:
        self.content = content
        self.asked: list[str] = []

    def __call__(self, ref: reading.HubRef, config: str, split: str) -> Table:
        self.asked.append(ref.id)
        got = self.content[ref.id.partition("/")[0]]
        if isinstance(got, Exception):
            raise got
        assert isinstance(got, dict)
        rows = [{"problem": p, "solution": s, "type": config, "level": "1"} for p, s in got[config]]
        return Table(f"{ref} ({config}, {split})", ("problem", "solution", "type", "level"), rows)


@pytest.fixture
def known_text(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[str, str]]]:
    text = fake_math()
    monkeypatch.setitem(
        math.CONTENT_SHA256, "train", math.content_sha256(r for rows in text.values() for r in rows)
    )
    return text


def test_the_content_hash_does_not_depend_on_the_order() -> None:
    rows = [("a", "1"), ("b", "2"), ("b", "2")]
    assert math.content_sha256(rows) == math.content_sha256(reversed(rows))
    assert math.content_sha256(rows) != math.content_sha256(rows[:2])
    assert math.content_sha256([("a", "b1")]) != math.content_sha256([("ab", "1")])


def test_math_takes_the_first_mirror_that_has_the_known_text(
    known_text: dict[str, list[tuple[str, str]]],
) -> None:
    loader = Mirrors(EleutherAI=known_text)
    found, warnings = math.load("train", loader=loader)
    assert len(found) == 14
    assert {p.source for p in found} == {"math"}
    assert [p.answer for p in found[:2]] == ["0", "1"]
    assert found[0].licence == "MIT (contested)"
    assert not warnings
    assert set(loader.asked) == {"EleutherAI/hendrycks_math"}


@pytest.mark.parametrize("fault", [InputError("gone"), fake_math(rows=3)])
def test_math_goes_on_to_the_next_mirror(
    known_text: dict[str, list[tuple[str, str]]], fault: object
) -> None:
    loader = Mirrors(EleutherAI=fault, DigitalLearningGmbH=known_text)
    found, _ = math.load("train", loader=loader)
    assert len(found) == 14
    assert loader.asked[-1] == "DigitalLearningGmbH/MATH-lighteval"


def test_math_without_a_good_mirror_says_what_to_do(
    known_text: dict[str, list[tuple[str, str]]],
) -> None:
    assert known_text
    loader = Mirrors(EleutherAI=InputError("taken down"), DigitalLearningGmbH=fake_math(rows=3))
    with pytest.raises(InputError) as e:
        math.load("train", loader=loader)
    message = str(e.value)
    assert "taken down" in message
    assert "is not the known text of MATH" in message
    assert "--source-path" in message


def test_other_text_of_a_local_copy_is_a_warning_only() -> None:
    found, warnings = math.load("train", source_path="local", loader=Mirrors(local=fake_math(3)))
    assert len(found) == 21
    assert any("is not the known text of MATH" in w for w in warnings)


def hub_folder(root: Path, configs: dict[str, pl.DataFrame], *, licence: str = "") -> Path:
    lines = ["---", *([f"license: {licence}"] if licence else []), "configs:"]
    for name, frame in configs.items():
        (root / name).mkdir(parents=True)
        frame.write_parquet(root / name / "train-00000-of-00001.parquet")
        lines += [
            f"- config_name: {name}",
            "  data_files:",
            "  - split: train",
            f"    path: {name}/train-*.parquet",
        ]
    (root / "README.md").write_text("\n".join([*lines, "---", ""]), encoding="utf-8")
    return root


def test_a_local_folder_gives_all_its_configurations_as_subjects(tmp_path: Path) -> None:
    frames = {
        c: pl.DataFrame({"question": [f"{c}{i}" for i in range(3)], "answer": ["1"] * 3})
        for c in "xy"
    }
    folder = hub_folder(tmp_path / "mine", frames, licence="mit")
    loaded = load(str(folder), limit=4)
    assert [p.question for p in loaded.problems] == ["x0", "x1", "y0", "y1"]
    assert [p.subject for p in loaded.problems] == ["x", "x", "y", "y"]
    assert {p.source for p in loaded.problems} == {"mine"}
    assert {p.licence for p in loaded.problems} == {"mit"}
    assert loaded.n_available == 6
    assert any("reading all 2 configurations: x, y" in w for w in loaded.warnings)


def test_the_content_hash_of_a_source_does_not_depend_on_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("question,answer\na,1\nb,2\n", encoding="utf-8")
    whole, part = load(str(path)), load(str(path), limit=1)
    assert whole.content_sha256 == part.content_sha256
    path.write_text("question,answer\na,1\nb,3\n", encoding="utf-8")
    assert load(str(path)).content_sha256 != whole.content_sha256


def test_gsm8k_from_a_local_copy(tmp_path: Path) -> None:
    frame = pl.DataFrame({"question": [" q "], "answer": ["2 <<1+1=2>>2\n#### 1,002"]})
    loaded = load("gsm8k", source_path=str(hub_folder(tmp_path / "g", {"main": frame})))
    p = loaded.problems[0]
    assert (p.question, p.rationale, p.answer, p.licence, p.source) == (
        " q ", "2 <<1+1=2>>2", "1,002", "MIT", "gsm8k",
    )  # fmt: skip


def test_gsm8k_without_its_columns_is_refused(tmp_path: Path) -> None:
    folder = hub_folder(tmp_path / "g", {"main": pl.DataFrame({"question": ["q"], "text": ["a"]})})
    with pytest.raises(InputError, match="missing column 'answer'; its columns are question, text"):
        load("gsm8k", source_path=str(folder))


def test_a_folder_without_the_configuration_says_what_to_do(tmp_path: Path) -> None:
    folder = hub_folder(
        tmp_path / "g", {"other": pl.DataFrame({"question": ["q"], "answer": ["a"]})}
    )
    with pytest.raises(InputError, match=r"README\.md names the configuration"):
        load("gsm8k", source_path=str(folder))


def test_a_folder_with_bad_utf8_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(
        b'{"question": "a", "answer": "1"}\n{"question": "\xff"}\n'
    )
    with pytest.raises(InputError, match=r"train\.jsonl:2: byte 0xff is not UTF-8"):
        load(str(tmp_path))


def test_arithmetic_limited_is_the_beginning_of_the_whole() -> None:
    part = load("arithmetic", split="validation", limit=50)
    whole = load("arithmetic", split="validation")
    assert list(part.problems) == whole.problems[:50]
    assert part.content_sha256 == whole.content_sha256
    counts = collections.Counter(p.subject for p in part.problems)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert load("arithmetic", split="validation", seed=1).content_sha256 != whole.content_sha256


@pytest.mark.parametrize(
    ("source", "options", "says"),
    [
        ("gsm9k", {}, "unknown source 'gsm9k'"),
        ("./absent.jsonl", {}, "unknown source"),
        ("gsm8k", {"split": "validation"}, "has no split 'validation'; it has train, test"),
        ("math", {"split": "dev"}, "has no split 'dev'"),
        ("arithmetic", {"split": "dev"}, "has no split 'dev'"),
        ("gsm8k", {"source_path": "absent"}, "no such folder"),
        ("arithmetic", {"source_path": "."}, "is for gsm8k, math, svamp, champ"),
        ("gsm8k", {"seed": 1}, "only arithmetic and concepts draw"),
        ("gsm8k", {"limit": 0}, "limit is 0"),
    ],
)
def test_wrong_options_are_refused(source: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as e:
        load(source, **options)  # type: ignore[arg-type]
    assert says in str(e.value)


@pytest.mark.parametrize("source", ["", " ", "/", "//", ":", "@", ":x", "@x", "/:x"])
def test_a_source_that_names_nothing_or_a_whole_disk_is_refused(source: str) -> None:
    for read in (load, load_variants, lambda s: load_test_sets([s])):
        with pytest.raises(ConfigError, match=r"unknown source|is the root of the file system"):
            read(source)
    ref = reading.parse_ref(source)
    with pytest.raises(InputError, match=r"names no dataset|is the root of"):
        reading.load(ref, "default", "train")


def test_a_pipe_or_a_device_is_told_from_a_file_that_is_not_there(tmp_path: Path) -> None:
    pipe = tmp_path / "rows.jsonl"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/null")):
        for read in (load, load_variants, open_table, read_frame, sum_of):
            with pytest.raises(InputError if read is not load else ConfigError) as e:
                read(str(path) if read in (load, load_variants) else path)  # type: ignore[operator]
            assert "is a pipe or a device, and a regular file is needed" in str(e.value)
            assert "no such" not in str(e.value)
        with pytest.raises(ConfigError, match="regular file is needed"):
            load("svamp", split="test", source_path=str(path))
    for read in (open_table, read_frame, sum_of):
        with pytest.raises(InputError, match="is a folder, where a file is expected"):
            read(tmp_path)  # type: ignore[operator]
        with pytest.raises(InputError, match="no such file"):
            read(tmp_path / "x")  # type: ignore[operator]


def test_several_wrong_options_are_listed_at_once() -> None:
    with pytest.raises(ConfigError) as e:
        load("arithmetic", limit=0, source_path="x")
    assert len(e.value.problems) == 2


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("org/name", reading.HubRef("org/name")),
        ("org/name@v1", reading.HubRef("org/name", "v1")),
        ("org/name:main", reading.HubRef("org/name", None, "main")),
        ("org/name@v1:main", reading.HubRef("org/name", "v1", "main")),
    ],
)
def test_a_hub_reference_is_read_and_written_back(text: str, ref: reading.HubRef) -> None:
    assert reading.parse_ref(text) == ref
    assert str(ref) == text


def test_the_known_hashes_are_those_of_the_real_text(real_data: Path) -> None:
    for split in math.SPLITS:
        _, warnings = math.load(split, source_path=str(real_data / "EleutherAI/hendrycks_math"))
        assert not warnings, warnings


def test_real_gsm8k_can_be_put_together_again(real_data: Path) -> None:
    folder = real_data / "openai/gsm8k"
    loaded = load("gsm8k", split="test", source_path=str(folder))
    raw = pl.read_parquet(folder / "main/test-00000-of-00001.parquet")
    again = [f"{p.rationale}\n#### {p.answer}" for p in loaded.problems]
    assert again == raw["answer"].to_list()
    assert [p.question for p in loaded.problems] == raw["question"].to_list()
    assert len(again) == 1319


def test_changed_files_and_folders_of_one_name_are_never_mixed_up(tmp_path: Path) -> None:
    def write(folder: Path, question: str) -> None:
        pl.DataFrame({"question": [question], "answer": ["1"]}).write_parquet(
            folder / "main" / "train-00000-of-00001.parquet"
        )

    one = hub_folder(
        tmp_path / "a" / "g", {"main": pl.DataFrame({"question": ["one"], "answer": ["1"]})}
    )
    two = hub_folder(
        tmp_path / "b" / "g", {"main": pl.DataFrame({"question": ["two"], "answer": ["1"]})}
    )
    assert [load(str(f)).problems[0].question for f in (one, two)] == ["one", "two"]
    write(one, "changed")
    assert load(str(one)).problems[0].question == "changed"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data/rows.jsonl", "rows"),
        ("data/rows.v1.csv", "rows.v1"),
        ("rows.v1.jsonl.gz", "rows.v1"),
        ("data/rows-*.jsonl", "rows"),
        ("data/part-00?-of-3.parquet", "part-00"),
        ("data/*.jsonl", "data"),
    ],
)
def test_a_table_is_called_after_its_file(path: str, name: str) -> None:
    assert name_of(path) == name


def test_what_a_split_is_known_by_did_not_change_with_new_fields() -> None:
    """A folder that an earlier release began is resumed."""
    plain = make_problem(
        source="s", split="train", question="How much is 2 + 3?", rationale="2 + 3 = 5", answer="5", level="1",
        subject="sums", licence="MIT", knowledge=["Add."],
    )  # fmt: skip
    assert (
        content_hash([plain]) == "d36d410099b3d37570963c8052fe61679361de592bc72c0c74c65c560c8d8949"
    )
    several = plain.model_copy(update={"accepted": ("five",)})
    assert content_hash([several]) != content_hash([plain])
