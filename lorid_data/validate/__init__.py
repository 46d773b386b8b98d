"""Every check on every row: what is found rejects the row, or flags it.

Entry: `stage.validate`, re-exported here.
Read: `stage`; the checks are a room of their own, `checks`.
Imports: checks, answers, folders, workers, commandline, schema.
"""

from lorid_data.validate.stage import validate

__all__ = ["validate"]
