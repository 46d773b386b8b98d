"""Problems about named concepts, each met a known number of times in training."""

from lorid_data.sources.concepts.generate import load

__all__ = ["load"]
