"""From the finished draws of a study to its numbers, sentences and page. No torch.

Entry: `write.write_study`, `write_programs.write_programs`, re-exported here.
Read: `cells`, `problems`, `reading`, `plan`; `replay`, `tallies`, `decisions`, `fitting`, `scoring`;
    `resampling`, `bins`, `spread`, `measuring`, `decision_metrics`; `claims` and
    `verdicts`, which were fixed beforehand; then `view`, `words`, `sentences`, `tables`,
    `cell_tables`, `plots`, `page`, `write`. Of the study of agreement: `agreement_reading`,
    `agreement_numbers`, `agreement_sentences`, `agreement_page`, `agreement_write`. A study with programs has a
    page of its own: `programs`, `program_page`, `write_programs`.
Imports: report, drawn, metrics, interaction; of `lorid_data`: pages, folders, texts, schema, errors.
"""

from lorid_train.study_report.cells import Cell
from lorid_train.study_report.write import write_study
from lorid_train.study_report.write_programs import write_programs

__all__ = ["Cell", "write_programs", "write_study"]
