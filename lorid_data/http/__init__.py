"""HTTP for what is asked of models: one pooled transport, one retry policy, and servers in turn.

Only failures that may pass are tried again (`Transient`); everything else is the caller's to judge.

Entry: `transport.Transport`, `retrying.retrying`, `balancer.Balancer`.
Read: `redaction`, `retrying`, `transport`, `balancer`.
Imports: nothing of the project.
"""
