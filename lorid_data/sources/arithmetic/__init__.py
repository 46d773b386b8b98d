"""Grade-school word problems made by rule: the source that needs no network and no licence."""

from lorid_data.sources.arithmetic.generate import load

__all__ = ["load"]
