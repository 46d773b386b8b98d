"""Pages: the HTML and SVG pieces that every page of the project is made of.

A page is one file that opens without a network. Text from models and datasets is hostile until
`text.esc` has had it; scripts put it in place as text, never as HTML. Standard library only, but for
formulas (latex2mathml).

Entry: `page.page`; the pieces are `page.section`, `table.table`, `charts`, `rows.row_list`.
Read: `text`, `table`, `page`, `rows`; charts: `scale`, `svg`, `charts`, `lines`, `scatter`; formulas:
    `mathml`, `latex`, `cells`.
Imports: texts.
"""
