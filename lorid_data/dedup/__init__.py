"""Exact and near duplicates removed, and the variants of each original question capped.

Entry: `stage.dedup`.
Read: `minhash` (which rows may be alike), `signatures` (what is held of each row), `duplicates` (which rows are the
    same problem), `removals` (the threshold, and which of two rows goes): pure; `reading`, `writing`,
    `apart` (group by group, where the work is done elsewhere), `stage`.
Imports: answers, texts, folders, workers, commandline, schema.
"""
