"""The adapters of a run onto the Hub, each in one commit, loaded back.

Entry: `stage.publish`.
Read: `contents`, `card`, `verify`, `stage`, `report`.
Imports: metrics, interaction, models, formats, roles, config; of `lorid_data`: cards, hub, folders,
    commandline, prompts, schema, errors.
"""
