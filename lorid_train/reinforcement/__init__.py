"""Reinforcement: a role's adapter trained further on its own answers, on TRL's `GRPOTrainer`.

What is rewarded is fixed before the first step: the reference answer, or the label that stored
draws agreed on. Prompts are token for token those of `sft`; what is drawn is drawn as an evaluation
draws. Accuracy on labelled questions is watched beside the reward, and the best adapter is kept.

Entry: `command.rl`; `stage.train`, `stage.dry_run`.
Read: `settings`, `questions` (who is asked, and what is right), `rewards` (an answer to a reward; what a
    group looks like), `stopping` (which step is kept, and when reward and accuracy part), `arguments` (the
    `GRPOConfig`), `trainer` (TRL's, with our prompts and checks), `curves`, `prepared` (all that is looked
    at before anything is written), `stage`, `command`.
Imports: evaluation, report (draws as they lie on the disk), training, drawn, metrics, interaction, models, formats, roles,
    config; of `lorid_data`: answers, folders, pages, commandline, texts, schema, errors.
"""
