"""The evaluation report: `view` grades and measures, `page` shows. No torch.

Entry: `view.view_of`, `writing.write_report`, `headline.headline`, `comparing.compare_all`.
Read: `reading`, `replays`, `three_way`, `targets`, `view`; what is said: `words`, `verdicts`, `findings`; of several
    runs `comparing` (one pure function behind the command and the report) and `compared`; what is shown:
    `tables` with `loop_tables`, `run_tables`, `question_tables`, `program_tables`, `confidence`, `contrast_tables`, then `plots` (where a new plot
    goes; `page` puts it in its place), `first_screen`, `question_index`, `traces`; how: `page`,
    `markdown`, `headline`, `writing`.
Imports: training (curves alone), metrics, interaction, roles; of `lorid_data`: pages, folders, schema, errors.
"""
