"""Programs that models wrote, run in a sandbox: never by this interpreter, and never without limits.

    with opened(store, workers=2) as executor:
        executor.run(program)       → Executed(status, answer, output, ms)
        executor.run_all(programs)  → the same of many, in their order, on several workers

A program assigns `answer`. What it gives is a text that `answers.equal` compares; whatever goes wrong
gives no answer, and the next program has a session of its own. A result is kept by the sha256 of its
program, the sandbox and its limits, so that a second run runs nothing.

Entry: `opened.opened`.
Read: `executed` (what comes back, and the limits), `answer_text` (a value as an answer), `sandbox`,
    `kept` (results on disk), `opened`; `literals` and `grounding` (does a program keep to its question?).
Imports: texts, schema, errors.
"""
