"""What both programs share of a command line: exit status, `--config FILE`, progress on stderr.

Entry: `program.make_app` and `program.run`; `progress.Progress` and `progress.say`.
Read: `program`, `options` and `meant` (what YAML made of a word), `paths`, `waiting`, `output` (what may be said), `failures`, `progress`, `result` (what is printed, or
    with `--json` written for programs), `completion`, `workers`.
Imports: texts, workers, errors.
"""
