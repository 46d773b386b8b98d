"""The audit of knowledge: checks of each rule and list, a judge, sampling, and the page.

`result` holds the shape of `audit.json`, which `label`, `view` and `publish` read; `checks` names
every check; `run` does the work.
"""
