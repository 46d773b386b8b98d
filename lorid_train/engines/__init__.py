"""Engines: prompts and sampling in, texts and token counts out. They know nothing of roles.

Entry: `base.Engine`; `transformers.TransformersEngine`, `server.ServerEngine`,
    `scripted.ScriptedEngine`.
Read: `base`, `scripted`, `server`; in this process `transformers`, `sampling`, `rows` (an adapter for
    each row), `prefixes`, `slots`, `batch`.
Imports: of `lorid_data`: http, errors.
"""
