"""`read_records`, at the place where it was published first; it stands in `folders.records`."""

from lorid_data.folders.records import read_records

__all__ = ["read_records"]
