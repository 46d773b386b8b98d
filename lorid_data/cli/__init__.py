"""The program `lorid-data`: its commands, and nothing but reading their options.

| command | code |
| --- | --- |
| `build`, `choose`, `reparse`, `prompts diff` | `build.stage`, `build.choose`, `build.reparse`, `build.prompt_diff` |
| `import` | `build.importing` |
| `validate`, `expand`, `dedup`, `decontaminate`, `split`, `programs` | `stage` in the room of that name |
| `audit`, `view`, `publish` | `audit.stage`, `view.write`, `publish.stage` |
| `label` | `labelling.serve` |
| `doctor` | `asking.doctor` |
| `run` | `pipeline` |

Entry: `app.main`.
Read: `app`, which names every command; then the file of the command: `building`, `stages`, `coding`,
    `doctor`, `auditing`, `publishing`, `pages`, `running`. `ending` and `numbers` are shared by them.
Imports: every room of `lorid_data`, when the command runs.
"""
