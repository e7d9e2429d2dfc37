"""What belongs to this computer: durable files, hardware, memory, time, digests, redaction."""

from benchbench.machine import fsio
from benchbench.machine.device_errors import is_device_error, is_out_of_memory
from benchbench.machine.digests import canonical, digest, file_digest, folder_digest
from benchbench.machine.fsio import TEMPORARY
from benchbench.machine.hardware import Device, find_device, processor_name, share_of_cores
from benchbench.machine.memory import PeakMemory
from benchbench.machine.packages import PACKAGES, package_versions
from benchbench.machine.redaction import one_line, published, published_json, redact
from benchbench.machine.source_code import core_digest, execution_digest, module_digest
from benchbench.machine.stopwatch import CURRENT, Stopwatch, stage, watching
from benchbench.machine.watched_backbone import WatchedBackbone

__all__ = [
    "CURRENT",
    "PACKAGES",
    "TEMPORARY",
    "Device",
    "PeakMemory",
    "Stopwatch",
    "WatchedBackbone",
    "canonical",
    "core_digest",
    "digest",
    "execution_digest",
    "file_digest",
    "find_device",
    "folder_digest",
    "fsio",
    "is_device_error",
    "is_out_of_memory",
    "module_digest",
    "one_line",
    "package_versions",
    "processor_name",
    "published",
    "published_json",
    "redact",
    "share_of_cores",
    "stage",
    "watching",
]
