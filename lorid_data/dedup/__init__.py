"""Exact and near duplicates removed, and the variants of each original question capped.

Entry: `stage.dedup`.
Read: `minhash` (which rows may be alike), `duplicates` (which rows are the same problem; pure),
    `stage` (the threshold, and which of two rows goes).
Imports: answers, texts, folders, schema.
"""
