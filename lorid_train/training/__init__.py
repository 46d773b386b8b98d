"""Training the roles: one frozen base model, one LoRA adapter per role, on TRL's `SFTTrainer`.

Entry: `sft.train`, `sft.dry_run`.
Read: `tokens` (rows as ids and labels), `batches`, `loss`, `trainer`, `checkpoints` (whole or
    refused), `saving`, `exams` (measuring while training), `preflight`, `estimates`, `plan`,
    `processes`, `sft`.
Imports: models, formats, roles, config; of `lorid_data`: answers, folders, prompts, commandline,
    schema, errors.
"""
