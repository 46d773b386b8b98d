"""Work on many batches, done by several processes of this machine.

Entry: `pool.in_processes`; `cores.usable_cores`.
Read: `cores` (how many this process may use), `child` (what runs in each process), `pool`.
Imports: errors.
"""
