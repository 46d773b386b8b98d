"""The README of a dataset folder, by which `datasets.load_dataset(FOLDER)` finds its rows.

Without it `datasets` takes every parquet of the folder for one table, and stops at the second kind
of rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from lorid_data.folders.files import write_text
from lorid_data.folders.names import RECORDS, REJECTS

README = "README.md"
ALL_SPLITS = "records"
"""What `load_dataset` calls the rows of a folder that holds several splits: none of their names."""
_SPLIT = re.compile(r"[A-Za-z]\w*", re.ASCII)
_REJECTS = """- config_name: rejects
  data_files:
  - split: {split}
    path: {rejects}
"""
_TEXT = """---
configs:
- config_name: default
  default: true
  data_files:
  - split: {split}
    path: {records}
{config_of_rejects}---

# A dataset folder of lorid-data

`{records}` holds the rows, `{rejects}` those that were not kept, with the reason, `manifest.json` where both come from
and the sha256 of each file. {said}

```python
from datasets import load_dataset

rows = load_dataset("THIS FOLDER", split="{split}")
```

`lorid_data.load("THIS FOLDER")` gives the same rows, compared with the manifest first.
"""


def write_readme(folder: Path, splits: Collection[str], *, has_rejects: bool) -> None:
    """Write the README of a folder whose rows have these splits. The same rows give the same bytes.

    `datasets` loads no table without rows, so rejects are named where there are some. The rows are
    named always: else rejects that stand alone would be taken for them.

    Args:
        folder: the folder.
        splits: of the rows that were kept; none where no row was.
        has_rejects: whether a row was not kept.
    """
    split = split_shown(splits)
    said = f"All rows are of the split {split}."
    if split == ALL_SPLITS:
        said = "The column `split` says which split a row is of."
    if not splits:
        said = "No row was kept; `datasets` loads no table without rows."
    elif not has_rejects:
        said += f" Every row was kept: `{REJECTS}` is empty."
    config = _REJECTS.format(split=split, rejects=REJECTS) if has_rejects else ""
    text = _TEXT.format(split=split, said=said, records=RECORDS, rejects=REJECTS, config_of_rejects=config)  # fmt: skip
    write_text(folder / README, text)


def split_shown(splits: Collection[str]) -> str:
    """The only split, where there is one and `datasets` takes its name; else `records`."""
    [only] = splits if len(splits) == 1 else [""]
    return only if _SPLIT.fullmatch(only) and only != "all" else ALL_SPLITS
