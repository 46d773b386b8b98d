"""Where problems come from: one module or package a source.

Entry: `registry.load`, what `build SOURCE` accepts. A new source is a module here, a name and a branch
    there, and a word in `_DRAWN` where it is drawn by a seed.
Read: `columns` and `shapes` (which column holds what), `cells`, `links` and `problems` (rows of a table of any length as problems, on disk), `table`, `gsm8k`, `math`, `svamp`, `champ`, `layout` and `split_files` (a file
    per split), `published_programs` (the programs beside it), `registry`, `variants`; the made worlds are packages: `arithmetic`, `concepts`.
Imports: hub, answers, texts, folders, pass_rates, schema, errors.
"""
