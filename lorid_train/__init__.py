"""LoRID: train the three roles, run the interaction loop, report.

Read `roles`, then the rooms `training`, `interaction`, `evaluation`, `metrics` and `report`; each says
in its `__init__.py` what it is for, where to enter it and in which order to read it.
"""
