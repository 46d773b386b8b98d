"""Knowledge-enhanced math datasets: questions in, knowledge asked and kept.

`schema` is read first, `pipeline` second: each of its stages is a room (`choose` is in `build`).
Every room says in its `__init__.py` what it is for, where to enter it and in which order to read it;
`cli` says where each command's code is.
"""
