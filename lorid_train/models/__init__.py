"""Base models and adapters, on disk and in memory: found, recognised again, checked, merged.

Entry: `base_model.resolve` and `base_model.load_model`; `adapters.open_adapters`; `merge.merge`;
    `gguf.import_base`.
Read: `weights`, `base_model`, `untrusted` (what files of others may not decide), `whole` (a role
    played without an adapter), `adapters`, `indistinct` (tokens that a base cannot tell apart); adapters of others: `fetching`, `foreign`; `fitting`, `merge`; bases of others: `gguf_file`, `gguf`.
Imports: engines, formats, roles, config; of `lorid_data`: hub, folders, commandline, texts, prompts, schema, errors.
"""
