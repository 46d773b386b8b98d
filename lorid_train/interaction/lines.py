"""The lines of `draws.jsonl`, as they are written here; `lorid_data` reads them, so it holds what they are."""

from __future__ import annotations

from lorid_data.folders.draw_lines import Sum, body_of, line_of, split_line, sum_of

__all__ = ["Sum", "body_of", "line_of", "split_line", "sum_of"]
