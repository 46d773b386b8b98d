"""A student's own draws as training data: which are chosen, by what rule, and in what form they are kept.

An evaluation's sampled draws give each question a label without the gold answer, or none; the
draws that state it are rows to train on, pairs against those that do not, and a reward. All of it
is pure: `evaluation.drawn_rows` reads the draws and writes the folder.

Entry: `labels.labelled`; `pairs.read_pairs` and `labels.read_labels` of an exported folder.
Read: `labels` (the rules), `texts` (a draw as rationale and answer), `rows` (records and rejects), `pairs`.
Imports: interaction, metrics, roles; of `lorid_data`: folders, role_texts, schema, errors.
"""
