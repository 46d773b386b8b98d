"""The Hugging Face Hub: datasets read by their id, folders pushed in one commit.

Code of a dataset is never run: `trust_remote_code` is not used anywhere.

Entry: `reading.load` (or a local folder with the Hub's layout), `snapshots.download`, `push.Push`.
Read: `ids`, `reach`, `redirects`, `front_matter`, `reading`, `splits`; `calls` (which calls are repeated), `snapshots`; to publish `state`, `tags`, `push`,
    `publishing`.
Imports: folders, http, commandline, texts, schema, errors.
"""
