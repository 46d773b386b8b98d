"""Training on one's own agreed draws, round after round: draw on fresh questions, choose, train, look.

Each step of a round is an ordinary stage in an ordinary folder. It stops when accuracy on labelled
validation questions no longer gains, since self-training on one's own answers collapses in the end.

Entry: `command.rounds`, `run.run_rounds`.
Read: `settings`, `questions` (which fresh ones a round has), `run`, `command`.
Imports: evaluation, drawn, metrics, training, models, roles, config; of `lorid_data`: folders, commandline, texts, schema,
    errors.
"""
