"""Test doubles that users may use too: they speak real HTTP on 127.0.0.1, so that nothing is patched.

Entry: `fake_teacher.FakeTeacher`, `fake_hub.FakeHub`, `fake_vllm.FakeVllm`; as pytest fixtures,
    `plugin`.
Read: `fake_teacher` with `fake_replies` and `fake_batches`; `fake_hub` with `fake_hub_routes` and `fake_hub_repos`;
    `fake_vllm`; `plugin`.
Imports: http.
"""
