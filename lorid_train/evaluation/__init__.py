"""One evaluation: adapters and a dataset in; draws, outcomes, metrics and a report out.

Entry: `command.evaluate`; `evaluate.evaluate`, `evaluate.report_on`; `exports.export_knowledge`, `exports.export_log`.
Read: `drawing` (which draws are wanted; no gold answer is near), `ablation` (what DR reads instead of
    its knowledge), `in_process` and
    `servers` (what generates), `identity` (what decides a token),
    `trained_on` (questions that are no test), `planned` (what it will
    take), `evaluate`; then `forgetting`, `exports`,
    `command`.
Imports: training, report, metrics, interaction, models, engines, formats, roles, config; of `lorid_data`: answers, contamination,
    folders, commandline, prompts, texts, schema, errors.
"""
