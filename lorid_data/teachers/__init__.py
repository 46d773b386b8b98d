"""Teachers: who writes the knowledge that a question needs.

Entry: `registry.open_teacher`, what `--teacher T` accepts. A new teacher is a module here and a line
    there.
Read: `base` (what a teacher is, and what its replies mean); those who ask nobody: `recorded`,
    `scripted`; those behind a network: `backend`, `remote`, `limits`, `gate`, `budget`, `prices`,
    `chat`, `sdk`, then `openai`, `anthropic`, `server`, and `batch` for batches; `registry`.
Imports: prompts, http, folders, commandline, schema, errors.
"""
