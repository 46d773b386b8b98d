"""How hard each question is for the roles that answered it, out of finished evaluations; what nobody solves.

Entry: `stage.difficulty`.
Read: `asked` (what each judge answered to each question), `rates` (answers → pass rates; pure), `unsolved`
    (the questions that nobody solves, ranked), `page`, `stage`.
Imports: answers, folders, workers, pages, commandline, texts, intervals, pass_rates, schema, errors.
"""
