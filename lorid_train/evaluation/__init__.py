"""One evaluation: adapters and a dataset in; draws, outcomes, metrics and a report out.

Entry: `command.evaluate`; `evaluate.evaluate`, `evaluate.report_on`; `exports.export_knowledge`, `exports.export_log`.
Read: `drawing` (which draws are wanted; no gold answer is near), `ablation` (what DR reads instead of
    its knowledge), `in_process` and
    `servers` (what generates), `identity` (what decides a token), `evaluate`; then `forgetting`, `exports`,
    `command`.
Imports: report, metrics, interaction, models, engines, formats, roles, config; of `lorid_data`: answers,
    folders, commandline, prompts, schema, errors.
"""
