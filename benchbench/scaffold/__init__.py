"""Begins new plugin packages, and checks installed ones against the contract."""

from benchbench.scaffold.contract_checks import ContractCheck, check_plugin
from benchbench.scaffold.new_package import write_package
from benchbench.scaffold.plugin_kinds import KINDS

__all__ = ["KINDS", "ContractCheck", "check_plugin", "write_package"]
