"""What a model may write, end to end: recorded, graded as none or unparsed, shown escaped; nothing stops."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_data.testing.fake_vllm import FakeVllm
from lorid_train.evaluation.evaluate import evaluate, report_on
from lorid_train.evaluation.exports import export_knowledge, export_log
from lorid_train.models import base_model

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
support = runpy.run_path(str(Path(__file__).parents[1] / "support" / "served_evaluation.py"))
SCRIPT = "</script><script>window.pwned = 1</script><img src=x onerror=alert(1)>"
TEXTS = {
    "10 MB": "never-an-end-" * 800_000,
    "no answer": "I go on and on",
    "invalid UTF-8": "half a pair \ud83d and \udc80\n--> 7\udfff END",
    "markup": f"{SCRIPT}\n--> {SCRIPT} END",
    "control": "\x00\x1b[2J\x07\u202e\u200b\x85\n--> \x00\x1b END",
    "10^6 digits": f"--> {'9' * 10**6} END",
    "10^6 digits in a box": r"\boxed{" + "1" * 10**6 + "}",
    "a tower": "--> 9**9**9**9 END",
    "nesting": "--> " + "{" * 5_000 + "1" + "}" * 5_000 + " END",
    "code": "--> __import__('pathlib').Path('pwned').touch() END",
    "nothing": "",
    "white space": "\n\t" * 1_000,
    "spaces": "-->" + "\n" * 100_000 + "END",
    "arrows": "-->" * 50_000,
}
"""What IR, KG and DR all write, one for each question. Without spaces: to the server, one token."""


def test_the_run_goes_on_and_the_report_shows_it(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = support["make_run"](tiny_base, tmp_path / "run")
    records = support["questions"](len(TEXTS))
    data = support["dataset"](tmp_path / "data", records)
    order = list(TEXTS.values())
    tokenizer = base_model.load_tokenizer(base_model.resolve(str(tiny_base)))

    def text(body: dict[str, Any]) -> str:
        prompt = tokenizer.decode(body["prompt"][:300])
        written = order[int(prompt.split("What is ")[1].split(" ")[0])]
        # Knowledge is tokenised again for DR: a tenth of a megabyte leaves it no room either.
        return written[:100_000] if body["model"] == "kg" else written

    with FakeVllm(text=text, max_model_len=30_000) as server:
        changes = {"rounds": 2, "max_new_tokens": 1024, "votes": "none"}
        evaluate(support["config"](run, data, tmp_path / "out", server, **changes))
    out = tmp_path / "out"
    lines = (out / "draws.jsonl").read_bytes().decode("utf-8").strip("\n").split("\n")
    draws = [json.loads(line) for line in lines]
    written = {d["text"] for d in draws}
    assert {d["finish_reason"] for d in draws} == {"stop", "too_long"}
    for name, wanted in TEXTS.items():
        assert wanted.encode("utf-8", "replace").decode() in written, name
    assert not (tmp_path / "pwned").exists()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<script>window.pwned" not in page
    assert "onerror=alert" not in page.replace("&lt;img src=x onerror=alert", "")
    assert len(page) < 40_000_000
    found = {
        (m["system"], m["metric"], m["slice"]): m["value"]
        for m in json.loads((out / "metrics.json").read_text())["metrics"]
    }
    assert found["ir-greedy", "accuracy", None] < 0.2
    assert found["grader", "equal", None] is not None
    report_on([out, out], tmp_path / "two.html", {"rule": "cumulative", "rounds": "1"})
    assert "window.pwned = 1</script>" not in (tmp_path / "two.html").read_text(encoding="utf-8")
    runs = json.loads((tmp_path / "two.json").read_text(encoding="utf-8"))["runs"]
    assert [r["name"] for r in runs] == ["out", "out"]
    assert {m["value"] for m in runs[1]["against_first"] if m["metric"] == "difference"} == {0.0}
    export_knowledge(out, tmp_path / "kg")
    assert export_log(out, tmp_path / "log.parquet") == len(draws)
