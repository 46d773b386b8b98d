"""Pure functions on mathematical text.

Entry: one module a purpose: `latex`, `calculate`, `backward`, `folding`, `shingles`.
Read: `latex`, `calculate`, `backward`, `safe_yaml`, `secrets`, `visible`; for many texts at once `arrays`, `word_hashes`,
    `folding`, `shingles`.
Imports: nothing of the project.
"""
