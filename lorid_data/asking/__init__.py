"""Many questions put to a teacher: each reply is kept in a journal before anybody reads it.

Entry: `answering.answers_to` (what is stored is read, the rest is asked), `many.Many` (of more rows than are held), `journal.open_journal`,
    `doctor.examine`.
Read: `journal_file`, `journal`, `online`, `ledger`, `batch_queue`, `batching`, `answering`, `many`, `estimate`, `doctor`; `gc_pause` is about
    speed.
Imports: teachers, folders, prompts, http, commandline, texts, schema, errors.
"""
