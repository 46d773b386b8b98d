"""One evaluation: adapters and a dataset in; draws, outcomes, metrics and a report out.

Entry: `evaluate.evaluate`, `evaluate.report_on`; `comparing.sides`, `command.compare`;
    `exports.export_knowledge`, `exports.export_log`.
Read: `drawing` (which draws are wanted; no gold answer is near), `ablation` (what DR reads instead of
    its knowledge), `in_process` and
    `servers` (what generates), `identity` (what decides a token), `timing`, `evaluate`; then `forgetting`,
    `exports`; `comparing` and `command` (two finished evaluations against each other).
Imports: report, metrics, interaction, models, engines, roles, config; of `lorid_data`: answers,
    folders, commandline, schema, errors.
"""
