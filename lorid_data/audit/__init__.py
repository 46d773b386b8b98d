"""The audit of knowledge: checks of each rule and list, a judge, a sample to read, and the page.

Entry: `stage.audit`; `result.read_audit` for whoever reads `audit.json`.
Read: `result`, the shape of `audit.json`; `checks`, every check by its name, with `words`, `formulas`, `numbers`,
    `leaks`, `mapping`, `rationales` and `usefulness` below it; `gates`; then the judge (`rubric`, `plant`, `judging`,
    `judge`), `stage`, and the page (`tables`, `page_rows`, `page`). `calibration` and `acceptance` say how
    far it can be trusted.
Imports: checks, asking, teachers, sources, answers, texts, folders, pages, prompts, commandline,
    sampling, intervals, schema, errors.
"""
