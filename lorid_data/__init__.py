"""Knowledge-enhanced math datasets: questions in, knowledge asked and kept.

`schema` is read first, `pipeline` second: the rooms of the stages stand in its order. Each room says
in its `__init__.py` what it is for, where to enter it and in which order to read it.
"""
