"""How the files of a dataset folder are called."""

from __future__ import annotations

MANIFEST = "manifest.json"
CONFIG = "config.yaml"
RECORDS = "records.parquet"
REJECTS = "rejects.parquet"
