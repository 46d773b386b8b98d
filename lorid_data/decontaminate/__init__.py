"""Rows whose question is that of a test set, removed; the pairs that match, shown.

Entry: `stage.decontaminate`.
Read: `against` (test sets by their name), `overlap` (how alike two questions are), `contamination`
    (what that makes of a row; pure), `stage`.
Imports: sources, answers, texts, folders, commandline, schema, errors.
"""
