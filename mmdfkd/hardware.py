"""What the machine computes on, by name."""

import os
import platform
import re
from pathlib import Path

import torch


def cpu_name() -> str:
    """Return the processor's name, its cores, and the widest vectors that torch has on it.

    Cloud machines of one name differ in these, and a run's minutes with them.
    """
    info = Path('/proc/cpuinfo')
    found = re.search(r'model name\s*: (.*)', info.read_text()) if info.is_file() else None
    vectors = torch.backends.cpu.get_cpu_capability()
    return f'{found[1] if found else platform.machine()} ({os.cpu_count()} cores, {vectors})'


def device_name() -> str:
    """Return the GPU's name, or the processor's where there is none."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else cpu_name()
