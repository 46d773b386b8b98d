"""Work on many batches, done by several processes of this machine, or elsewhere where a command says so.

Entry: `pool.in_processes`, `pool.elsewhere`; `cores.usable_cores`.
Read: `cores` (how many this process may use), `child` (what runs in each process), `pool`.
Imports: errors.
"""
