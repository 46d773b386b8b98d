"""Test doubles that users may use too: they speak real HTTP on 127.0.0.1, so that nothing is patched."""
