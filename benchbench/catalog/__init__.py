"""What is installed: plugins, and everything that they supply by name."""

from benchbench.catalog.checks import check_item
from benchbench.catalog.lookup import Catalog, load_catalog
from benchbench.catalog.plugins import DISABLE, versions_of
from benchbench.catalog.training_share import TRAINING_SHARE, at_share, share_of, whole_of

__all__ = [
    "DISABLE",
    "TRAINING_SHARE",
    "Catalog",
    "at_share",
    "check_item",
    "load_catalog",
    "share_of",
    "versions_of",
    "whole_of",
]
