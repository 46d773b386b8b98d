"""Problems about named concepts, each met a known number of times in training.

Entry: `generate.load`.
Read: `world`, `names`, `forms`, `generate`.
Imports: the families of `sources.arithmetic`; schema, errors.
"""
