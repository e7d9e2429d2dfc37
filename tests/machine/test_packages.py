"""The versions of the packages that decide numbers."""

from __future__ import annotations

import importlib

from benchbench.machine.packages import package_versions


def test_versions_are_those_of_installed_packages():
    versions = package_versions()
    assert versions["numpy"] == importlib.import_module("numpy").__version__
    assert "no-such-package" not in versions
