"""When does knowledge help? A whole experiment from one YAML: worlds × bases × adapter seeds.

A study is a folder. Each of its cells is made by the ordinary stages (data, training, evaluation),
in a process of its own; `lorid_train.study_report` turns the finished draws into numbers and a page.

The study `agreement` asks something else of the same stages: whether training on agreed draws
saves the loop.

Entry: `command.configured`, `run.study`; `agreement.study`.
Read: `settings`, `splits`, `tasks`, `data`, `cell`, `worker`, `pool`, `progress`, `run`, `command`;
    `agreement_settings`, `agreement_data`, `agreement_cells`, `agreement`.
Imports: evaluation, study_report, training, drawn, models, config; of `lorid_data`: pipeline, build, split, sources,
    hub, folders, commandline, texts, schema, errors.
"""
