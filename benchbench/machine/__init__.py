"""What belongs to this computer: durable files, hardware, memory, time, digests, redaction."""

from benchbench.machine import fsio, interrupts
from benchbench.machine.contents import Stamp, content_fault, file_names, stamp, write_contents
from benchbench.machine.device_errors import is_device_error, is_out_of_memory
from benchbench.machine.digests import canonical, digest, file_digest, folder_digest
from benchbench.machine.folder_lock import held_alone, held_together
from benchbench.machine.fsio import TEMPORARY
from benchbench.machine.hardware import (
    VISIBLE,
    Device,
    dtype_for,
    find_device,
    processor_name,
    share_of_cores,
    usable_gpus,
)
from benchbench.machine.memory import PeakMemory, out_of_memory_kills
from benchbench.machine.packages import PACKAGES, package_versions
from benchbench.machine.private_folder import is_private, open_private
from benchbench.machine.redaction import (
    LONGEST_TRACEBACK,
    in_one_line,
    one_line,
    published,
    published_json,
    redact,
    shortened,
)
from benchbench.machine.regular_files import NotRegular, open_regular, read_regular
from benchbench.machine.source_code import core_digest, execution_digest, module_digest
from benchbench.machine.stopwatch import CURRENT, Stopwatch, show_step, stage, watching
from benchbench.machine.temporary_folder import temporary_folder
from benchbench.machine.thread_settings import WAITING, set_threads, wait_briefly
from benchbench.machine.typed_json import WrongForm, read_as
from benchbench.machine.watched_backbone import LOADING, Load, WatchedBackbone

__all__ = [
    "CURRENT",
    "LOADING",
    "LONGEST_TRACEBACK",
    "PACKAGES",
    "TEMPORARY",
    "VISIBLE",
    "WAITING",
    "Device",
    "Load",
    "NotRegular",
    "PeakMemory",
    "Stamp",
    "Stopwatch",
    "WatchedBackbone",
    "WrongForm",
    "canonical",
    "content_fault",
    "core_digest",
    "digest",
    "dtype_for",
    "execution_digest",
    "file_digest",
    "file_names",
    "find_device",
    "folder_digest",
    "fsio",
    "held_alone",
    "held_together",
    "in_one_line",
    "interrupts",
    "is_device_error",
    "is_out_of_memory",
    "is_private",
    "module_digest",
    "one_line",
    "open_private",
    "open_regular",
    "out_of_memory_kills",
    "package_versions",
    "processor_name",
    "published",
    "published_json",
    "read_as",
    "read_regular",
    "redact",
    "set_threads",
    "share_of_cores",
    "shortened",
    "show_step",
    "stage",
    "stamp",
    "temporary_folder",
    "usable_gpus",
    "wait_briefly",
    "watching",
    "write_contents",
]
