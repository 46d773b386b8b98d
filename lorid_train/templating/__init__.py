"""Chat templates of downloaded models, which are programs: rendered in a process that is bounded.

transformers' sandbox keeps a template from files and from Python's insides. It does not keep it from
loops without end, nor from texts of gigabytes.

Entry: `rendering.render`.
Read: `rendering` (this side), `worker` (the process).
Imports: of `lorid_data`: errors.
"""
