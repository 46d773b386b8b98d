"""HTTP for model servers and the Hub: one pooled transport, one retry policy, and servers in turn.

Only failures that may pass are tried again (`Transient`); everything else is the caller's to judge.

Entry: `transport.Transport`, `retrying.retrying`, `balancer.Balancer`.
Read: `redaction`, `redirects`, `retrying` (Retry-After is read there, and one request waits by it; the pause
    of all requests to a provider is `teachers.limits`), `transport`,
    `balancer`.
Imports: texts.
"""
