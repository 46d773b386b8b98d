"""The commands `fit-rule`, `fit-votes` and `route`: what votes are worth, and what the question alone tells, from stored draws.

Entry: `command`, which holds all three; the pure middles are `fitting.fit` and `routing.compare`.
Read: `drawn` (a question's draws as small integers), `states` (the counts that they pass through),
    `regression` (scikit-learn's), `fitting`, `rule`;
    `question_features`, `routing`, `route`; `votes`; `command`.
Imports: evaluation, report, metrics, interaction; of `lorid_data`: commandline, folders, pages, schema, texts, errors.
"""
