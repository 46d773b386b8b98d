"""Where problems come from: one module or package a source, each with a `load`.

Entry: `registry.load`, what `build SOURCE` accepts. A new source is a module here and a line there.
Read: `table` (rows of any table as problems), `gsm8k`, `math`, `folder`, `variants`, `registry`;
    the made worlds are packages: `arithmetic`, `concepts`.
Imports: hub, answers, texts, folders, schema, errors.
"""
