"""Which questions are those of a test set, and how alike two questions are: pure functions.

`decontaminate` takes such rows out of a dataset; an evaluation says which of its questions were
trained on, by the same measure.

Entry: `matches.find_matches`; for a dataset in batches `looked.look`.
Read: `test_set`, `overlap` (how alike two questions are), `index` (a test set prepared), `matches` (what that makes of
    a question), `looked` (a batch, and what all batches together say).
Imports: answers, texts, schema.
"""
