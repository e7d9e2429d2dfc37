"""The small world of the generated patents: devices, fields, and their codes.

A code depends on a device *and* the field it serves; neither decides it alone. Two thirds of the
parts belong to two devices, a third of the things to two fields.
"""

# ruff: noqa: E501 - one row per device or field

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceWords:
    """The words for a device. `names` go from common to rare; `does` follows "which"."""

    names: tuple[str, ...]
    parts: tuple[str, ...]
    does: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldWords:
    """The words for a field. `uses` follow "for", from common to rare; `things` occur in it."""

    uses: tuple[str, ...]
    things: tuple[str, ...]


# fmt: off
DEVICES: Mapping[str, DeviceWords] = {
    "pump": DeviceWords(
        ("pump", "impeller unit", "compressor stage", "displacement unit", "booster", "feeder"),
        ("piston", "rotor", "seal", "inlet", "diaphragm", "shaft"),
        ("conveys", "draws in", "pressurises", "moves")),
    "valve": DeviceWords(
        ("valve", "shut-off member", "stopcock", "flow gate", "throttle", "closure"),
        ("seat", "spring", "seal", "inlet", "stem", "lever"),
        ("opens and closes", "blocks", "throttles", "releases")),
    "sensor": DeviceWords(
        ("sensor", "detector", "gauge", "probe", "measuring head", "transducer"),
        ("electrode", "housing", "lens", "circuit", "diaphragm", "membrane"),
        ("measures", "detects", "reports", "observes")),
    "heater": DeviceWords(
        ("heater", "heating element", "radiator", "warming plate", "thermal jacket", "burner"),
        ("coil", "fin", "electrode", "insulation", "plate", "nozzle"),
        ("warms", "heats", "dries", "preheats")),
    "filter": DeviceWords(
        ("filter", "strainer", "separator", "sieve", "screening cartridge", "trap"),
        ("mesh", "membrane", "housing", "plate", "cartridge", "drain"),
        ("cleans", "separates", "retains", "clears")),
    "motor": DeviceWords(
        ("motor", "drive", "actuator", "electric machine", "servo", "winding assembly"),
        ("rotor", "coil", "shaft", "bearing", "magnet", "lever"),
        ("turns", "drives", "moves", "positions")),
    "container": DeviceWords(
        ("container", "vessel", "tank", "receptacle", "canister", "reservoir"),
        ("lid", "insulation", "drain", "liner", "nozzle", "spring"),
        ("holds", "stores", "receives", "keeps")),
    "controller": DeviceWords(
        ("controller", "control unit", "regulator", "supervisory circuit", "governor", "scheduler"),
        ("circuit", "memory", "display", "magnet", "bearing", "fin"),
        ("regulates", "schedules", "adjusts", "supervises")),
}

FIELDS: Mapping[str, FieldWords] = {
    "farming": FieldWords(
        ("growing plants", "irrigation", "a greenhouse", "watering crops", "a nursery bed", "an orchard"),
        ("soil", "seedling", "water", "root", "row", "mist")),
    "medicine": FieldWords(
        ("treating a patient", "infusion", "a hospital bed", "respiratory care", "dialysis", "a surgical site"),
        ("patient", "tube", "blood", "dose", "sample", "skin")),
    "vehicle": FieldWords(
        ("a motor vehicle", "a combustion engine", "a truck", "fuel supply", "a drivetrain", "a motorcycle"),
        ("fuel", "engine", "exhaust", "wheel", "oil", "road")),
    "kitchen": FieldWords(
        ("preparing food", "a coffee machine", "a kitchen appliance", "brewing a beverage", "a cooking range", "a rice cooker"),
        ("food", "beverage", "steam", "dose", "cup", "oil")),
    "chip": FieldWords(
        ("processing a wafer", "a semiconductor line", "a deposition chamber", "etching a substrate", "a clean room", "lithography"),
        ("wafer", "substrate", "gas", "sample", "film", "exhaust")),
    "sewage": FieldWords(
        ("treating waste water", "a sewage plant", "a settling basin", "water purification", "a sludge line", "desalination"),
        ("sludge", "water", "basin", "gas", "tube", "oxygen")),
    "drilling": FieldWords(
        ("drilling a well", "an oil field", "a borehole", "completing a wellbore", "a drill string", "an offshore rig"),
        ("rock", "mud", "soil", "string", "fuel", "cement")),
    "laundry": FieldWords(
        ("washing laundry", "a washing machine", "a tumble dryer", "textile care", "a laundry drum", "rinsing fabric"),
        ("fabric", "drum", "steam", "detergent", "skin", "film")),
}

CODES: Mapping[str, Mapping[str, str]] = {
    "pump":       {"farming": "F04B", "medicine": "A61M", "vehicle": "F02M", "kitchen": "F04B", "chip": "H01L", "sewage": "F04B", "drilling": "F04B", "laundry": "D06F"},
    "valve":      {"farming": "A01G", "medicine": "A61M", "vehicle": "F02M", "kitchen": "F16K", "chip": "F16K", "sewage": "F16K", "drilling": "E21B", "laundry": "F16K"},
    "sensor":     {"farming": "G01N", "medicine": "A61B", "vehicle": "G01D", "kitchen": "G01N", "chip": "G01N", "sewage": "G01N", "drilling": "E21B", "laundry": "G01D"},
    "heater":     {"farming": "A01G", "medicine": "H05B", "vehicle": "F02M", "kitchen": "A47J", "chip": "H01L", "sewage": "C02F", "drilling": "H05B", "laundry": "D06F"},
    "filter":     {"farming": "B01D", "medicine": "A61M", "vehicle": "F02M", "kitchen": "A47J", "chip": "B01D", "sewage": "C02F", "drilling": "B01D", "laundry": "B01D"},
    "motor":      {"farming": "H02K", "medicine": "H02K", "vehicle": "B60K", "kitchen": "A47J", "chip": "H02K", "sewage": "H02K", "drilling": "E21B", "laundry": "D06F"},
    "container":  {"farming": "A01G", "medicine": "A61M", "vehicle": "B60K", "kitchen": "A47J", "chip": "H01L", "sewage": "C02F", "drilling": "B65D", "laundry": "D06F"},
    "controller": {"farming": "A01G", "medicine": "A61B", "vehicle": "B60K", "kitchen": "G05B", "chip": "H01L", "sewage": "C02F", "drilling": "E21B", "laundry": "D06F"},
}
"""Device -> field -> IPC subclass. Some subclasses follow from the device, some from the field."""

FREQUENCY = ("A61M", "F02M", "A01G", "H01L", "D06F", "C02F", "F16K", "G01N", "E21B", "A47J",
             "F04B", "B60K", "H02K", "B01D", "A61B", "H05B", "G01D", "B65D", "G05B")
"""The subclasses from the most to the least frequent: the tail is long."""

INDOORS = ("medicine", "kitchen", "chip", "laundry")
UNITS: Mapping[str, tuple[str, str]] = {
    "pump": ("flow", "dosing"), "valve": ("flow", "dosing"), "filter": ("flow", "heat"),
    "heater": ("heat", "heat"), "sensor": ("monitoring", "monitoring"),
    "motor": ("motion", "motion"), "container": ("monitoring", "dosing"),
    "controller": ("motion", "monitoring"),
}
"""Device -> the company's unit for it: (outdoors, indoors)."""

PURPOSES: Mapping[str, tuple[str, ...]] = {
    "001": ("a lower use of energy", "a lower power consumption", "less waste heat"),
    "007": ("a longer service life", "less wear", "easy maintenance"),
    "025": ("a compact design", "a low weight", "a simple assembly"),
}
"""Main group of a subclass -> what the invention achieves."""
# fmt: on


def unit_of(device: str, field: str) -> str:
    """Return the company's unit for a device in a field."""
    return UNITS[device][field in INDOORS]
