"""What is installed: plugins, and everything that they supply by name."""

from benchbench.catalog.checks import check_item
from benchbench.catalog.lookup import Catalog, load_catalog
from benchbench.catalog.plugins import DISABLE, versions_of

__all__ = [
    "DISABLE",
    "Catalog",
    "check_item",
    "load_catalog",
    "versions_of",
]
