"""The command `fit-rule`: what votes are worth, from the stored draws of questions that are not evaluated.

Entry: `command.fit_rule`; `fitting.fit`, the pure middle.
Read: `drawn` (a question's draws as small integers), `states` (the counts that they pass through),
    `regression` (scikit-learn's), `fitting`, `command`.
Imports: evaluation, report, metrics, interaction; of `lorid_data`: commandline, folders, schema, texts, errors.
"""
