"""Engines: prompts and sampling in, texts out."""
