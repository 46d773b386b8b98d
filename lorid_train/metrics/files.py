"""`metrics.json`: one spelling per content, with neither clock nor path in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from lorid_data.errors import InputError
from lorid_data.folders.verified import verify_file
from lorid_data.texts import strict_json
from lorid_train.metrics.rows import Metric

SCHEMA = 1


def metrics_json(metrics: Iterable[Metric]) -> str:
    """The text of `metrics.json`: one metric a line, so that a diff shows what changed."""
    lines = [
        json.dumps(m.model_dump(mode="json"), ensure_ascii=False, allow_nan=False) for m in metrics
    ]
    body = ",\n    ".join(lines)
    return f'{{\n  "schema": {SCHEMA},\n  "metrics": [\n    {body}\n  ]\n}}\n'


def read_metrics(path: Path) -> list[Metric]:
    """The metrics of a `metrics.json`.

    Raises:
        InputError: no such file, not JSON, another schema, or a row that is no metric.
    """
    verify_file(path)
    try:
        body = strict_json.parse(path.read_bytes())
        if body["schema"] != SCHEMA:
            msg = f"{path}: schema {body['schema']!r}, this version reads {SCHEMA}"
            raise InputError(msg)
        return [Metric.model_validate(m) for m in body["metrics"]]
    except OSError as e:
        msg = f"{path}: cannot be read ({e.strerror}); name a finished evaluation folder"
        raise InputError(msg) from e
    except (ValueError, KeyError, TypeError, ValidationError) as e:
        msg = f"{path}: not a metrics file of this project ({e})"
        raise InputError(msg) from e
