"""The evaluation report: `view` grades and measures, `page` shows. No torch.

Entry: `view.view_of`, `writing.write_report`, `headline.headline`.
Read: `reading`, `replays`, `targets`, `view`; what is said: `words`, `findings`; what is shown:
    `tables` with `loop_tables`, `run_tables`, `question_tables`, then `plots` (where a new plot
    goes; `page` puts it in its place), `traces`; how: `page`, `markdown`, `headline`, `writing`.
Imports: training (curves alone), metrics, interaction, roles; of `lorid_data`: pages, folders, schema, errors.
"""
