"""Stages beyond one machine: their work as datatrove blocks, on its Local, Ray and Slurm executors.

A stage is written once: what it does to a batch of rows goes through `workers.pool.in_processes`,
and this room is another way to do that. So the folder at the end is the same, byte for byte.

Entry: `run.run`, which `lorid-data run --executor` calls; `blocks.pipeline` for a pipeline of one's own.
Read: `works` (what may be done elsewhere), `coding` (batches and results as bytes), `jobs` (a job on
    disk), `blocks`, `executors`, `slurm`, `running`, `task` (what Slurm starts), `spread` (all of it in the place of
    processes), `places` (folders on s3:// and hf://), `run`.
Imports: pipeline, folders, workers, commandline, texts, schema, errors.
"""
