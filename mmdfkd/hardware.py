"""What the machine computes on, by name."""

import os
import platform
import re
from pathlib import Path

import torch


def cpu_name() -> str:
    """Return the processor's name and number of cores."""
    info = Path('/proc/cpuinfo')
    found = re.search(r'model name\s*: (.*)', info.read_text()) if info.is_file() else None
    return f'{found[1] if found else platform.machine()} ({os.cpu_count()} cores)'


def device_name() -> str:
    """Return the GPU's name, or the processor's where there is none."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else cpu_name()
