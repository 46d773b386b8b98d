"""One evaluation: adapters and a dataset in; draws, outcomes, metrics and a report out.

Entry: `command.evaluate`, `command.compare`, `command.export_draws`; `evaluate.evaluate`, `evaluate.report_on`; `comparing.sides`;
    `exports.export_knowledge`, `exports.export_log`; `drawn_rows.export_draws`.
Read: `drawing` (which draws are wanted; no gold answer is near), `ablation` (what DR reads instead of
    its knowledge), `in_process` and
    `servers` (what generates), `usual` (sampling where nobody says), `identity` (what decides a token), `trained_on` (questions that are no
    test), `planned` (what it will take), `timing`, `programs` (what draws wrote is run),
    `evaluate`; then `forgetting`, `exports`, `drawn_rows`; `comparing`
    (two finished evaluations against each other), `command`.
Imports: training, drawn, report, metrics, interaction, models, engines, formats, roles, config; of `lorid_data`: answers,
    contamination, execution, folders, commandline, http, texts, prompts, schema, errors.
"""
