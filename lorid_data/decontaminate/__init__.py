"""Rows whose question is that of a test set, removed; the pairs that match, shown.

Entry: `stage.decontaminate`.
Read: `against` (test sets by their name), `distinct` (what is compared), `verdicts` (what becomes of a row; pure),
    `stage`, `shown`; what counts as a match is in the room `contamination`.
Imports: contamination, sources, answers, texts, folders, workers, commandline, schema, errors.
"""
