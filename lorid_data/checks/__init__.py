"""What can be wrong with one row: small pure functions `Record -> Finding | None`.

Each finding has a reason (`schema.RejectReason`), a severity and the text that shows it. Severities
drop, regenerate and quarantine reject the row; queue and report keep it with a flag. `validate`,
`audit` and `choose` run the same checks. Nothing here runs text.

A reason is an entry of `schema.RejectReason` with its sentence there. Reasons that are no check of a
single row (a duplicate, a test question, a teacher's failure) are given by their own stage.

Entry: `catalogue.CHECKS`, the order in which the first rejecting check names the reason.
Read: `finding`; the checks by what they look at: `texts`, `annotations`, `answers`, `rules`;
    `catalogue`, where a new check is added and `VERSION` raised.
Imports: answers, texts, schema.
"""
