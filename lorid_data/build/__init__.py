"""From a source and what teachers say of it to a dataset folder; and what is done with stored replies.

Entry: `stage.build` and `importing.import_table`, re-exported here; `merge.merge`, `choose.choose`,
    `reparse.reparse`, `prompt_diff.compare`.
Read: `rows` (a problem and a reply → a record or a reject), `passing` (many of them, a batch at a time), `shard`, `candidates`, `panel` and `rounds` (several
    replies a row, and their vote), `stage`, `merge`, `importing`; then `beside`, `choices` and `choose` (by a student: `student_draws`, `by_student`,
    `tally`, `student_worth`, `student_choice`), `reparse`, `prompt_diff`.
Imports: asking, teachers, sources, hub, checks, answers, folders, texts, prompts, commandline, schema,
    intervals, errors; `choose` alone also audit, whose checks it runs, and difficulty.
"""

from lorid_data.build.importing import import_table
from lorid_data.build.stage import BuildOptions, build

__all__ = ["BuildOptions", "build", "import_table"]
