"""Training the roles: one frozen base model, one LoRA adapter per role, on TRL's `SFTTrainer`.

Entry: `sft.train`, `sft.dry_run`.
Read: `processes`, `unwritable` (what no adapter can learn to write), `tokens` (rows as ids and labels), `batches`, `loss`, `checkpoints` (whole or
    refused), `arguments` (the `SFTConfig`), `keys`, `proofs`, `trainer`, `frozen`
    (the base between the roles), `saving`, `trained_on`, `curves` (`training.html`), `greedy_eval` (measuring while
    training), `early` (what is refused at once), `preflight`, `activations` (what a pass keeps, counted), `estimates`,
    `plan`, `sft`.
Imports: models, engines (to write a few tokens), formats, roles, config; of `lorid_data`: answers, folders, prompts, pages, commandline,
    texts, schema, errors.
"""
