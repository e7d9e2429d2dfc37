"""A method and a backbone that say what they take, and ones that do not: for forecasts."""

from __future__ import annotations

from benchbench import Parameter, Reference, Shape, Workload
from benchbench.contract.cell import Cell
from benchbench.machine.hardware import Device
from benchbench.planning.plan import PlannedCell
from benchbench.records.identity import cell_id

CPU = Device("cpu", "a processor", "float32", 8000)
DATA = Reference("table", "table")


class Known:
    """A method and a backbone in one, both of which say what they take."""

    name = "known"
    parameters = (Parameter("quantization", str, "none", "how weights are held"),)

    def shape(self):
        return Shape(2, 64, 128, 4, 4, 16, 100)

    def workload(self, params, amount):
        tokens = amount.characters / 4
        return Workload("adapters", 64, tokens, 64.0, 2.0, 8, 32, rank=4, plain_tokens=9000.0)


class Silent:
    """A method or a backbone that says nothing."""

    name = "silent"
    parameters = ()


class TwoItems:
    """A catalog of these two."""

    def method(self, name):
        return {"known": Known(), "silent": Silent()}[name]

    backbone = method

    def resolved(self, noun, reference):
        return {"quantization": "none"}


def planned(method="known", backbone="known", seed=0):
    reference = Reference(backbone, backbone) if backbone else None
    cell = Cell(DATA, Reference(method, method), reference, seed)
    return PlannedCell(cell, cell_id(cell), None, {}, "missing")
