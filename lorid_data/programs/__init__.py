"""Programs that compute the answers of a dataset: made of solutions, or written by a teacher, and all of them run.

Entry: `stage.programs`.
Read: `equations` (the steps of a rationale), `linking` (which number is the result of an earlier step), `convert`
    (a rationale as a program; all three pure), `asked` (what a teacher is asked, and how its reply is read),
    `checked` (a program and its run → a record or a reject; pure), `own` (the program of a record; pure), `stage`.
Imports: execution, asking, teachers, answers, folders, workers, commandline, prompts, texts, schema, errors.
"""
