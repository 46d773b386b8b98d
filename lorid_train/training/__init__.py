"""Training the roles: one frozen base model, one LoRA adapter per role, on TRL's `SFTTrainer`.

Entry: `sft.train`, `sft.dry_run`.
Read: `processes`, `unwritable` (what no adapter can learn to write), `tokens` (rows as ids and labels),
    `difficulty` (which rows, in which order), `token_rows` (embeddings that a role trains), `batches`, `loss`, `checkpoints` (whole or
    refused), `ranges` (what a value may be), `arguments` (the `SFTConfig`), `keys`, `proofs`, `moved`,
    `packed_attention` (rows of a pack, one by one), `trainer`, `frozen`
    (the base between the roles), `saving`, `trained_on`, `starts` (adapters to go on from), `curves` (`training.html`), `greedy_eval` (measuring while
    training), `early` (what is refused at once), `preflight`, `activations` (what a pass keeps, counted), `estimates`,
    `plan`; from pairs instead of rows `measuring`, `pairwise` (DPO's trainer, REDI's loss), `preferences`; `sft`.
Imports: drawn, models, engines (to write a few tokens), formats, roles, config; of `lorid_data`: answers, folders, prompts, pages, commandline,
    texts, pass_rates, schema, errors.
"""
