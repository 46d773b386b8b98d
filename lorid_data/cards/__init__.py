"""Cards: the README of what is published, rendered from `datasets_cards/*.jinja`.

The front matter comes from huggingface_hub's card data and a YAML serialiser; every text of a
template passes `md`, `code` or `block`, and every number comes from the caller, who has it from
a manifest.

Entry: `render.render`, `licences.front_matter`.
Read: `escape`, `licences`, `render`.
Imports: pages.
"""
