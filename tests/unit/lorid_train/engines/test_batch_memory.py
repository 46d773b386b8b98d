"""A batch that grows is not held twice: measured in a process of its own, which has no other past."""

from __future__ import annotations

import json
import subprocess
import sys

_GROWS = r"""
import json, re
from types import SimpleNamespace
import torch
from lorid_train.engines.continuous_batch import SlotBatch

def peak():
    status = open("/proc/self/status", encoding="ascii").read()
    return int(re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[0]) * 1024

layers, slots, columns = 16, 32, 64
batch = SlotBatch(read=None, prefixes=None)
batch._states = [torch.ones(2, slots, 4, columns, 64) for _ in range(layers)]
batch._mask = torch.ones(slots, columns, dtype=torch.long)
batch._starts, batch._end = [0] * slots, columns
batch.rows = [SimpleNamespace(live=True) for _ in range(slots)]
one = sum(s.nbytes for s in batch._states)
before = peak()
batch._widen(0, 2 * columns)
wider = peak() - before
kept = all(bool((s[..., :columns, :] == 1).all()) for s in batch._states)
before = peak()
like = SimpleNamespace(states=torch.zeros(layers, 2, 4, 1, 64))
batch._make_room(2 * slots, 1, like)
print(json.dumps({"one": one, "wider": wider, "longer": peak() - before, "kept": kept}))
"""


def test_more_columns_and_slots_take_what_they_add_and_one_layer() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _GROWS], check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(done.stdout)
    assert found["kept"]
    # Twice the columns: as much again, and one layer of 16 twice. All layers at once: twice that.
    assert found["wider"] < 1.4 * found["one"]
    assert found["longer"] < 1.4 * 2 * found["one"]
