"""Any dataset folder as one page that opens without a server or a network.

Entry: `write.view`.
Read: `rows` (which rows are on it), `data`, `page`, `write`.
Imports: folders, pages, commandline, sampling, texts, pass_rates, schema, errors.
"""
