"""From the finished draws of a study to its numbers, sentences and page. No torch.

Entry: `write.write_study`, which stands here too.
Read: `cells`, `plan`, `claims` and `verdicts`, which were fixed beforehand; `reading`, `problems`,
    `loops`, `playing`, `scoring`, `decisions`, `fitting`; `measuring`, `deciding`, `resampling`,
    `bins`, `spread`, `abstaining`; then `view`, `words`, `sentences`, `tables`, `cell_tables`,
    `plots`, `page`, `write`.
Imports: report, metrics, interaction; of `lorid_data`: pages, folders, schema, errors.
"""

from lorid_train.study_report.cells import Cell
from lorid_train.study_report.write import write_study

__all__ = ["Cell", "write_study"]
