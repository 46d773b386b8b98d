"""Engines: prompts and sampling in, texts and token counts out. They know nothing of roles.

Entry: `base.Engine`; `transformers.TransformersEngine`, `server.ServerEngine`,
    `scripted.ScriptedEngine`.
Read: `base`, `scripted`, `server`; in this process `ways` (what a model allows), `context` (how much it reads), `sampling`,
    `loading`, `row_tokens`, `per_row_lora` (an adapter for each row), `batch`, `prefix_cache`, `continuous_batch`, `alone`,
    `heap` (memory given back), `transformers`; `self_check` (proof that an engine is right); `by_adapter` (several engines as one).
Imports: of `lorid_data`: http, texts, errors.
"""
