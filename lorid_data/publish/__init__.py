"""A dataset folder onto the Hub in one commit, with an honest card.

Entry: `stage.publish`.
Read: `chain` (the folders it came through), `rows`, `shards`, `statistics`, `contents` (what is
    published, on disk), `gates`; the card: `card_fields`, `rebuild`, `card`; then `verify`, `stage`,
    `report`.
Imports: cards, hub, folders, role_texts, commandline, texts, pass_rates, schema, errors.
"""
