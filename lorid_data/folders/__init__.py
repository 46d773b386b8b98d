"""What a dataset folder is, read and written: files whole or absent, and a manifest that is last.

Entry: `stage.open_stage`, in which every stage works; `records.read_records`,
    `records.write_dataset`, and `batches` for more rows than are to be held; `loading.load`; `tables.open_table` for files of other people.
Read: `names`, `files`, `paths`, `seals`, `manifests`, `outputs` (a file that a person names), `verified` (what is read is what was written),
    `differences`, `stage`, `parquet`, `readme` (how load_dataset finds the rows), `row_ids`, `batches`, `picked`, `records`; `chosen` for some rows of many,
    `frames` for stages that work on whole columns, `scratch` for what memory does not hold, `sealed_rows` and `flags` for what the checks said of a folder's rows,
    `loading` for programs of others,
    `evaluations` (and `draw_lines`) for what an evaluation wrote; `spool` (rows kept aside on disk); `table_rows`, `table_packed`, `table_texts`, `table_plain`, `table_columnar`, `trees` (a folder that is walked) and
    `tables`: files of others, a batch of rows at a time.
Imports: texts, pass_rates, schema, errors.
"""
