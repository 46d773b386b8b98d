"""Memory that nobody uses goes back to the system: measured in a process of its own, which has no other past."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from lorid_train.engines import heap

_COMES_AND_GOES = r"""
import json, re
import torch
from lorid_train.engines import heap

def now():
    status = open("/proc/self/status", encoding="ascii").read()
    return int(re.findall(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[0]) / 1024

torch.set_num_threads(1)
mib = 2**18  # numbers in a MiB
for _ in range(3):
    torch.ones(31 * mib)  # what is freed once raises the size up to which blocks share the heap
before, goes, stays = now(), [], []
for _ in range(40):  # all at once: freed one by one, the next might lie where the last one was
    goes.append(torch.ones(24 * mib))
    stays.append(torch.ones(5 * mib // 2))
goes.clear()
kept = now() - before
heap.give_back()
print(json.dumps({"held": sum(t.nbytes for t in stays) / 2**20, "before": kept, "after": now() - before}))
"""


@pytest.mark.skipif(heap._trim() is None, reason="the C library has no malloc_trim")
def test_what_was_freed_between_what_stays_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _COMES_AND_GOES], check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(done.stdout)
    assert found["held"] == 100
    assert found["before"] > 3 * found["held"]  # or there is nothing to be seen here
    assert found["after"] < 1.5 * found["held"]


def test_a_c_library_without_it_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    heap._trim.cache_clear()
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda _: SimpleNamespace())
    try:
        heap.give_back()
        assert heap._trim() is None
    finally:
        heap._trim.cache_clear()
