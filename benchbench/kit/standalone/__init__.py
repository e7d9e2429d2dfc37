"""Files that are copied into exports: they import nothing of benchbench."""

__all__ = ["classifier"]
