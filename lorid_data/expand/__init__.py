"""Knowledge of an original question onto its variants.

Entry: `stage.expand`.
Read: `originals` (the rows that variants name), `stage`; where variants come from is `sources.variants`.
Imports: sources, answers, texts, folders, commandline, schema.
"""
