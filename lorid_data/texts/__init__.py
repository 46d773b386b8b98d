"""Pure functions on mathematical text.

Entry: one module a purpose: `latex`, `backslashes`, `calculate`, `backward`, `folding`, `shingles`.
Read: `latex`, `backslashes`, `calculate`, `backward`, `strict_json`, `safe_yaml`, `secrets`, `visible`, `counting`, `pathnames`, `characters`; for many
    texts at once `arrays`, `word_hashes`,
    `folding`, `digests`, `shingles`.
Imports: nothing of the project.
"""
