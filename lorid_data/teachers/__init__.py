"""Teachers: who writes the knowledge that a question needs.

Entry: `registry.open_teacher`, what `--teacher T` accepts. A new teacher is a module here; there
    it has its line of `AVAILABLE`, and an opener in `_BACKENDS` where it is behind a network.
Read: `base` (what a teacher is, and what its replies mean); those who ask nobody: `recorded`,
    `scripted`; those behind a network: `backend`, `limits` (the pause of all requests after a 429),
    `rate_limiter`, `budget`, `prices`, `remote`, `chat`, `sdk`, then `openai`, `anthropic`, `server`, and `batch` for batches; `registry`.
Imports: prompts, texts, http, folders, commandline, schema, errors.
"""
