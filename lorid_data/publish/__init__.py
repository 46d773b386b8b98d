"""A dataset folder onto the Hub in one commit, with an honest card.

Entry: `stage.publish`.
Read: `chain` (the folders it came through), `gates`, `rows`, `shards`, `statistics`, `staging`;
    the card: `words`, `rebuild`, `card`; then `verify`, `stage`, `report`.
Imports: cards, hub, folders, role_texts, commandline, schema, errors.
"""
