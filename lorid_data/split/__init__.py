"""A test split (and a validation split) of one's own: by original question, never by row.

Entry: `stage.split`.
Read: `blocks` (which rows must stay together, and which blocks are drawn; pure), `stage`.
Imports: folders, commandline, texts, schema, errors.
"""
