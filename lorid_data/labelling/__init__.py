"""The labelling page: a person reads a sample of a dataset folder and says what is wrong with it.

    rubric → sample → book (SQLite) → summary, agreement → labels.parquet, labels.json
                         ↑
    page → guard → server → session

Everything that decides is below the server and knows nothing of HTTP.

Entry: `serve.serve`.
Read: `rubric`, `types`, `book`, `labels`, `agreement`, `summary`, `files`, `report`, `session`; then
    `guard`, `page`, `server`, `serve`.
Imports: folders, pages, commandline, sampling, intervals, texts, schema, errors.
"""
