import os

import torch

from mmdfkd.hardware import cpu_name, device_name


def test_the_gpu_is_named_where_there_is_one(monkeypatch):
    vectors = torch.backends.cpu.get_cpu_capability()
    assert cpu_name().endswith(f'({os.cpu_count()} cores, {vectors})')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert device_name() == cpu_name()
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda: 'NVIDIA H100')
    assert device_name() == 'NVIDIA H100'
