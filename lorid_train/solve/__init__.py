"""Questions put to trained roles: the loop for one question, live, from Python and on a terminal.

Entry: `solver.Solver`, which `from lorid_train import Solver` gives too; `command.solve`.
Read: `solution` (what comes back), `solver`, `shown` (rounds and answers for people), `command`.
Imports: evaluation, interaction, models, engines, roles, config; of `lorid_data`: pages,
    prompts, schema, errors.
"""
