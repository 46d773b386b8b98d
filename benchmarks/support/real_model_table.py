"""What `real_model.py` says at the end: one table over all seeds, and the bare base beside it."""

from __future__ import annotations
