"""The audit of knowledge: checks of each rule and list, a judge, a sample to read, and the page.

Entry: `stage.audit`; `result.read_audit` for whoever reads `audit.json`.
Read: `catalogue`, what each check is called; `result`, the shape of `audit.json`; `checks`, what they do, with `words`, `formulas`,
    `numbers`, `leaks`, `mapping`, `rationales` and `usefulness` below it; `joined`, what shows only across rows; `gates`; then the judge (`rubric`, `plant`, `judging`,
    `judge`), `stage`, and the page (`tables`, `page_rows`, `page`). `calibration` and `acceptance` say how
    far it can be trusted.
Imports: checks, asking, teachers, sources, answers, texts, folders, pages, prompts, commandline,
    workers, sampling, intervals, schema, errors.
"""
