"""The interaction loop: what is drawn, and what the draws decide.

Entry: `rules.decide`, re-exported here: the rule that stops the loop, pure; `loop.Loop`.
Read: `draws` (the rows of `draws.jsonl`), `weigher` (what votes are worth),
    `weighed` (the game that they make), `fitted_files`, `rule_files` (a fitted one on disk), `rules`, `loop`,
    `round_queue` (what it asks next),
    `one_by_one` (rules that ask for one draw after another), `weighed_loop`;
    `programs` (draws that are run), `three_way` (rules in which they have a say), `vote_weights`, `votes_files`,
    `three_way_loop`.
Imports: engines, roles; of `lorid_data`: answers, execution, folders, prompts, texts, schema, errors.
"""

from lorid_train.interaction.rules import decide

__all__ = ["decide"]
