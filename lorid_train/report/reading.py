"""Random access to `draws.jsonl` by problem, without holding its texts in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from lorid_data.errors import InputError
from lorid_train.interaction.draws import Draw

_ID = re.compile(rb'\{\s*"problem_id"\s*:\s*"([^"\\]*)"')


class DrawFile:
    """The draws of a `draws.jsonl`, read when they are asked for.

    A last line without its end (a kill) is left aside. Of draws with the same key the first one
    counts, as when the file was written.
    """

    def __init__(self, path: Path) -> None:
        """Index the file: one pass, two integers kept per line.

        Raises:
            InputError: no such file, or a line that is no draw.
        """
        if not path.is_file():
            msg = f"{path}: no such file; name an evaluation folder"
            raise InputError(msg)
        self._path = path
        self._spans: dict[str, list[tuple[int, int]]] = {}
        start = 0
        with path.open("rb") as f:
            for number, line in enumerate(f, 1):
                if not line.endswith(b"\n"):
                    break
                self._spans.setdefault(self._problem_id(line, number), []).append(
                    (start, len(line))
                )
                start += len(line)

    def _problem_id(self, line: bytes, number: int) -> str:
        match = _ID.match(line)
        if match:
            return match[1].decode("utf-8", "replace")
        try:
            return str(json.loads(line)["problem_id"])
        except (ValueError, KeyError, TypeError) as e:
            msg = f"{self._path}:{number}: not a draw ({e}); is this a draws.jsonl of this version?"
            raise InputError(msg) from e

    def __call__(self, problem_id: str) -> Sequence[Draw]:
        """The draws of one problem, in the order in which they were written.

        Raises:
            InputError: a line that is no draw.
        """
        found: dict[object, Draw] = {}
        spans = self._spans.get(problem_id, ())
        with self._path.open("rb") as f:
            for start, length in spans:
                f.seek(start)
                try:
                    draw = Draw.model_validate_json(f.read(length))
                except ValidationError as e:
                    why = e.errors()[0]["msg"]
                    msg = f"{self._path}, byte {start}: not a draw of this version ({why})"
                    raise InputError(msg) from e
                found.setdefault(draw.key, draw)
        return list(found.values())
