"""Questions put to trained roles: the loop for one question, live, from Python and on a terminal.

Entry: `solver.Solver`, which `from lorid_train import Solver` gives too; `command.solve`.
Read: `solution` (what comes back), `question` (one on its way), `loading` (what is needed of a run), `solver`, `shown` (rounds and answers for people), `command`.
Imports: evaluation, interaction, models, engines, roles, config; of `lorid_data`: pages,
    commandline, execution, prompts, schema, errors.
"""
