"""The old import path of `folders.records.read_records`; nothing here uses it."""

from lorid_data.folders.records import read_records

__all__ = ["read_records"]
