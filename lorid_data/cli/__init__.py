"""The program `lorid-data`: its commands, and nothing but reading their options.

Entry: `app.main`.
Read: `app`, which names every command; then the file of the command: `asking`, `stages`,
    `auditing`, `publishing`, `pages`, `running`. `ending` and `numbers` are shared by them.
Imports: every room of `lorid_data`, when the command runs.
"""
