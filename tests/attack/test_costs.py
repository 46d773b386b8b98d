"""Parsers of foreign text cost twice as much for twice the text, and files of others have a limit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from lorid_data import answers
from lorid_data.audit import checks as audit_checks
from lorid_data.audit.rubric import read_verdict
from lorid_data.cards.escape import md
from lorid_data.checks import catalogue
from lorid_data.commandline.options import read_yaml
from lorid_data.contamination.overlap import words
from lorid_data.errors import ConfigError, InputError, LoridError
from lorid_data.folders.seals import unsealed
from lorid_data.folders.stage import open_stage
from lorid_data.folders.tables import read_table
from lorid_data.http.transport import read_json
from lorid_data.hub.front_matter import front_matter
from lorid_data.pages import latex
from lorid_data.pages.text import esc
from lorid_data.schema import Provenance, Record, RejectReason, TeacherReply, make_problem
from lorid_data.sources.table import split_solution
from lorid_data.sources.variants import split_response
from lorid_data.teachers.base import MOST_RULES, NoRules, parse_reply
from lorid_data.teachers.chat import read_chat
from lorid_data.teachers.provider_errors import error_text
from lorid_data.texts import safe_yaml, strict_json
from lorid_data.texts.backslashes import restore
from lorid_data.texts.calculate import calculate
from lorid_data.texts.latex import without_drawings
from lorid_data.texts.secrets import without_secrets
from lorid_data.texts.visible import spelled_out
from lorid_train import formats
from lorid_train.interaction.draws import draw_of
from lorid_train.models import untrusted

UNITS = [
    "[asy]", "[/asy]", r"\[", r"\(", r"\]", "$", "$x", "<<", "<<1", "((", "{", r"\begin{a}", " ", "\n", "1,", "a.B", "1/", r"\frac{", "x^", "-", "#",
    "**", "The answer is ", r"\boxed{", "9 ", "Rule 1: ", ". 2) ", r"\text{", "&", "\t", "if ", "http://a@", "sk-", "`", "[a](", "|", "_", "A b ", "e\u0301",
]  # fmt: skip
N_CHARS, LEAST_S, MOST = 12_000, 0.02, 2.5


def record(**fields: Any) -> Record:
    body = {"source": "t", "split": "train", "question": "Tom has 3 pens?", "rationale": "3 + 4 = 7", "answer": "7"}  # fmt: skip
    knowledge = fields.pop("knowledge", ["Add."])
    problem = make_problem(**{**body, **fields}, knowledge=knowledge)
    return Record(row_id="r", provenance=Provenance(teacher="source"), **problem.model_dump())


def _rows(text: str) -> list[Record]:
    return [record(question=text), record(rationale=text), record(knowledge=[text])]


def _checked(text: str) -> None:
    for row in _rows(text):
        for check in catalogue.CHECKS:
            check(row)


def _audited(text: str) -> None:
    for row in _rows(text):
        audit_checks.found_in(row)


def _many_rules(text: str) -> None:
    audit_checks.found_in(record(knowledge=[f"{text[:20]} {i}" for i in range(len(text) // 20)]))


def _refused(read: Callable[[], object]) -> None:
    """What is refused is read as far as it takes to refuse it."""
    with suppress(LoridError, ValueError):
        read()


def _file(read: Callable[[Path], object], name: str, around: str = "{}") -> Callable[[str], None]:
    """A reader of files, given a text as one."""

    def work(text: str) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(around.replace("{}", text), encoding="utf-8")
            _refused(lambda: read(path))

    return work


def _extracted(text: str) -> None:
    answers.extract(text)
    answers.extract(text, last_number=True)
    answers.official_extract(text)


def _verdict(text: str) -> None:
    reply = TeacherReply(
        problem_id="p", request_key="k", prompt_id="t", prompt_sha256="s", teacher="openai", model_asked="m",
        model_answered="m", text=text, finish_reason="stop",
    )  # fmt: skip
    read_verdict("rule", reply)


def _chat_reply(text: str) -> None:
    body = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {}}
    _refused(lambda: read_chat(read_json(json.dumps(body).encode()), {}, "x"))


def _error_reply(text: str) -> None:
    error_text(text.encode())
    error_text(json.dumps({"error": {"message": text, "code": text}}).encode())


def _with_adapter(text: str) -> None:
    for key in ("target_modules", "exclude_modules"):
        list(untrusted._slow_patterns({key: text}))


PARSERS: dict[str, Callable[[str], object]] = {
    "validate": _checked,
    "audit": _audited,
    "many rules": _many_rules,
    "card": lambda t: md(t, 10**9),
    "page": lambda t: esc(t, 10**9),
    "page with formulas": lambda t: latex.pieces(t, latex.dialect("t", [t])),
    "reply": lambda t: parse_reply("```json\n" + json.dumps({"output": [t]}) + "```"),
    "reply around": lambda t: parse_reply(t + '{"output": ["a"]}' + t),
    "chat reply": _chat_reply,
    "error reply": _error_reply,
    "verdict": _verdict,
    "secrets": without_secrets,
    "spelled out": spelled_out,
    "decontaminate": words,
    "answer": _extracted,
    "key": answers.key,
    "group": lambda t: answers.group([t, t + " "]),
    "calculator": calculate,
    "backslashes": restore,
    "JSON": lambda t: _refused(lambda: strict_json.parse(t)),
    "YAML": lambda t: _refused(lambda: safe_yaml.parse(t)),
    "JSON Lines": _file(read_table, "t.jsonl", '{"question": "a"}\n{}'),
    "CSV": _file(read_table, "t.csv", "question,answer\n{}"),
    "README": _file(front_matter, "README.md", "---\n{}\n---\n"),
    "README without end": _file(front_matter, "README.md"),
    "solution": lambda t: split_solution(t, None),
    "response": split_response,
    "draw": lambda t: _refused(lambda: draw_of(t.encode(), "x")),
    "manifest": lambda t: _refused(lambda: unsealed(t.encode())),
    "adapter's patterns": _with_adapter,
    "template's format": formats.detect,
    "template's day": lambda t: _refused(lambda: formats.load("chat")._on_its_day("strftime_now('" + t)),
}  # fmt: skip


def cpu_s(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def too_slow(parse: Callable[[str], object], text: str) -> tuple[float, ...] | None:
    """CPU seconds of the text, of twice and of four times it, where twice the text costs too much; or None.

    A neighbour on the same core makes any measurement slow for a while: what is really quadratic is so
    for the longer text, too, and whenever it is measured.
    """
    found: tuple[float, ...] = ()
    for _ in range(3):
        once, twice = cpu_s(lambda: parse(text)), cpu_s(lambda: parse(text * 2))
        if twice <= LEAST_S or twice <= MOST * once:
            return None
        again = cpu_s(lambda: parse(text * 4))
        if again <= MOST * twice:
            return None
        found = (once, twice, again)
    return tuple(round(s, 4) for s in found)


@pytest.mark.parametrize("name", PARSERS)
def test_twice_the_text_costs_twice(name: str, every: int) -> None:
    step = {"audit": 9, "many rules": 19, "answer": 9}.get(name, 5) if every > 1 else 1
    made = {unit: too_slow(PARSERS[name], unit * (N_CHARS // len(unit))) for unit in UNITS[::step]}
    assert {unit: s for unit, s in made.items() if s} == {}


def test_a_quadratic_parser_is_told_from_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, slower = [0.0], iter([1.0] * 3 + [9.0] * 3 + [90.0] * 3 + [1.0] * 9)

    def linear(text: str) -> None:
        clock[0] += len(text) * next(slower)

    def quadratic(text: str) -> None:
        clock[0] += len(text) ** 2

    monkeypatch.setattr(time, "process_time", lambda: clock[0])
    assert too_slow(linear, "x" * 8) is None
    assert too_slow(quadratic, "x" * 8) == (64, 256, 1024)


def test_drawings_go_from_the_first_opening_to_the_next_end() -> None:
    assert without_drawings("a[asy]b[asy]c[/asy]d[/ASY]e", "-") == "a-d[/ASY]e"
    assert without_drawings("a[ASY]b") == "a[ASY]b"
    assert without_drawings("") == ""


def test_a_reply_of_a_million_rules_is_no_knowledge() -> None:
    found = parse_reply(json.dumps({"output": ["x"] * (MOST_RULES + 1)}))
    assert isinstance(found, NoRules)
    assert found.reason is RejectReason.REPLY_WRONG_SHAPE
    assert isinstance(parse_reply(json.dumps({"output": ["x"] * MOST_RULES})), tuple)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(8)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [(BOMB, "100,000 values"), ("a: &a [*a]", "100,000 values"), ("[" * 1_000_000, "nested too deep"), ("- " * 500_000, "nested too deep"), ("x: '" + "y" * 2**20 + "'", "longer than"),
     ("{" * 3_000 + "}" * 3_000, "nested too deep"), ("a: !!python/object/apply:os.system [id]", "not valid YAML"), ("a: [", "not valid YAML")],
)  # fmt: skip
def test_a_yaml_bomb_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_yaml(path)
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match="not written by this project"), open_stage(folder, "x", identity={}):  # fmt: skip
        pass


def test_aliases_that_multiply_nothing_are_taken() -> None:
    assert safe_yaml.parse("a: &a {r: 8}\nb: *a\nc:\n  <<: *a\n") == {"a": {"r": 8}, "b": {"r": 8}, "c": {"r": 8}}  # fmt: skip


# --- tables that multiply themselves -------------------------------------------------------------


def _gzip(path: Path) -> None:
    import gzip

    path.write_bytes(gzip.compress(b" " * (100 * 2**20), compresslevel=1))


def _gzip_of_gzips(path: Path) -> None:
    import gzip

    path.write_bytes(gzip.compress(b" " * 2**20) * 100)


def _zstd(path: Path) -> None:
    import polars as pl

    pl.DataFrame({"question": ["x" * (70 << 20)], "answer": ["1"]}).write_parquet(path)


def _dictionary(path: Path, n: int = 800_000, text: str = "x" * 100) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int8()), [text])
    pq.write_table(pa.table({"question": column, "answer": column}), path)


BOMBS = {"a.jsonl.gz": _gzip, "b.csv.gz": _gzip_of_gzips, "c.parquet": _zstd, "d.parquet": _dictionary}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_packed_table_that_multiplies_itself_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    BOMBS[name](path)
    assert path.stat().st_size < 2**20
    with pytest.raises(InputError, match="unpacked, it is larger than 67,108,864 bytes, 100 times"):
        read_table(path)


def test_a_packed_table_is_read(tmp_path: Path) -> None:
    import gzip

    row = {"question": "What is 1 + 1?", "answer": "2"}
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress((json.dumps(row) + "\n").encode() * 50_000))  # fmt: skip
    assert len(read_table(tmp_path / "t.jsonl.gz").rows) == 50_000
    _dictionary(tmp_path / "t.parquet", n=1_000)
    assert len(read_table(tmp_path / "t.parquet").rows) == 1_000
