"""Grade-school word problems made by rule: the source that needs no network and no licence.

Entry: `generate.load`.
Read: `family`, `words`, any of the `families_*`, `generate`.
Imports: schema, errors.
"""
