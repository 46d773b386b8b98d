"""An OpenAI-compatible server of trained roles: `lorid` (the loop), `ir`, `dr` and `kg` as models.

    body → wanted → job → batcher (one thread, one engine, all jobs in its batches) → replies

Entry: `command.serve`; `server.Server` from Python.
Read: `refusals` (what a client is told), `body` (bytes to JSON), `wanted` (what is asked for), `jobs` (what it
    wants of the engine), `batcher` (the thread that fills batches), `replies` (OpenAI's shapes), `guard` (who may
    speak), `app` (the routes), `server`, `command`.
Imports: solve, interaction, engines, roles, evaluation; of `lorid_data`: http, commandline, texts, schema,
    errors.
"""
