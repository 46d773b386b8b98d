"""The names of the files that every dataset folder has."""

from __future__ import annotations

MANIFEST = "manifest.json"
CONFIG = "config.yaml"
RECORDS = "records.parquet"
REJECTS = "rejects.parquet"
