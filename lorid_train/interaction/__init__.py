"""The interaction loop: what is drawn, and what the draws decide.

Entry: `decide.decide`, which stands here too: the rule that stops the loop, pure; `loop.Loop`.
Read: `draws` (the rows of an evaluation), `decide`, `loop`.
Imports: engines, roles; of `lorid_data`: answers, schema, errors.
"""

from lorid_train.interaction.decide import decide

__all__ = ["decide"]
