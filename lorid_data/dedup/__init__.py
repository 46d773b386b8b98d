"""Exact and near duplicates removed, and the variants of each original question capped.

Entry: `stage.dedup`.
Read: `minhash` (which rows may be alike), `signatures` (what is held of each row), `duplicates` (which rows are the
    same problem), `removals` (the threshold, and which of two rows goes): pure; `reading`, `writing`, `stage`.
Imports: answers, texts, folders, commandline, schema.
"""
