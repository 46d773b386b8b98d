"""`view DIR --out page.html`: any dataset folder as one page that opens without a server or a network."""

from lorid_data.view.write import view

__all__ = ["view"]
