"""Runs Fast-Datafree, a peer's code, and times the parts of its rounds; for benchmark_peer.py.

Its ``datafree_kd.main()`` runs with the options of its ``scripts/fast_cifar.sh``. This is
patched, in its process, and nothing else:

* names: ``torchvision.models.utils``, gone from torchvision, has ``torch.hub``'s function;
* device, without a GPU only: ``.cuda()`` returns self, and ``args.gpu`` is the CPU;
* data: CIFAR-10, there for its transforms and for evaluation, is one batch of noise;
* options: batch size, steps, data set, folder; no warm-up epochs, so that the adversarial
  term is on; no seed, which would turn on cuDNN's slower deterministic mode;
* clocks around ``synthesize``, ``ImagePool.add``, ``sample`` and ``train``.

Its teacher's weights are random. Its folder of images begins with those of half a run.
"""

import argparse
import importlib
import os
import shlex
import sys
import time
import types
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
import torchvision

SCRIPT = 'scripts/fast_cifar.sh'
POOL_BATCHES = 100  # batches of images that it has half-way through its 200 epochs


def load(folder: Path, batch_size: int) -> Any:
    """Import the peer's main module, with what it misses supplied."""
    utils: Any = types.ModuleType('torchvision.models.utils')
    utils.load_state_dict_from_url = torch.hub.load_state_dict_from_url
    sys.modules[utils.__name__] = utils
    fake_data: Any = torchvision.datasets.FakeData
    vars(torchvision.datasets)['CIFAR10'] = lambda *_, transform, **__: fake_data(
        batch_size, (3, 32, 32), 10, transform
    )
    if not torch.cuda.is_available():
        for owner in (torch.Tensor, torch.nn.Module):
            owner.cuda = lambda self, *_, **__: self  # type: ignore[assignment, method-assign]
    sys.path.insert(0, str(folder))
    return importlib.import_module('datafree_kd')


def published(parser: Any, script: str, **wanted: Any) -> argparse.Namespace:
    """Return the options of that line of the peer's script that has the ``wanted`` ones."""
    for line in script.splitlines():
        if line.startswith('python datafree_kd.py'):
            options = parser.parse_args(shlex.split(line)[2:])
            if wanted.items() <= vars(options).items():
                return options
    raise ValueError(
        f"networks and g-steps should be those of a line of the peer's {SCRIPT}, which has "
        f'2, 5 and 10 steps, but got {wanted}'
    )


def prepare(peer: Any, options: argparse.Namespace) -> None:
    """Put the teacher's weights and a pool of images where the peer looks for them."""
    folder, pool = Path('checkpoints/pretrained'), Path(options.save_dir)
    folder.mkdir(parents=True)
    weights = peer.registry.get_model(options.teacher, num_classes=10).state_dict()
    torch.save({'state_dict': weights}, folder / f'{options.dataset}_{options.teacher}.pth')
    noise = torch.rand(options.batch_size, 3, 32, 32)
    peer.datafree.utils.save_image_batch(noise, str(pool / 'noise.png'), pack=False)
    for image in list(pool.iterdir()):
        for copy in range(1, POOL_BATCHES):
            os.link(image, pool / f'{image.stem}-{copy}.png')


def now() -> float:
    """Return the time in seconds once the device has done its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def clock(spans: dict[str, list], owner: Any, name: str) -> None:
    """Have the function ``name`` of ``owner`` note when each of its calls starts and ends."""
    function = getattr(owner, name)

    def timed(*args: Any, **kwargs: Any) -> Any:
        start = now()
        result = function(*args, **kwargs)
        spans[name].append((start, now()))
        return result

    setattr(owner, name, timed)


def run(peer: Any, options: argparse.Namespace, rounds: int, warmup: int) -> dict[str, Any]:
    """Run the peer's ``main()`` in the current folder, an empty one; returns its parts' ms."""
    options.epochs, options.ep_steps = warmup + rounds, options.kd_steps
    options.dataset, options.save_dir = 'cifar10', os.path.abspath('pool')
    options.warmup, options.seed = 0, None
    if not torch.cuda.is_available():
        options.gpu = torch.device('cpu')
    prepare(peer, options)
    peer.parser.parse_args = lambda: options
    spans: dict[str, list] = defaultdict(list)
    for name in ('synthesize', 'sample'):
        clock(spans, peer.datafree.synthesis.FastMetaSynthesizer, name)
    clock(spans, peer.datafree.utils.ImagePool, 'add')
    clock(spans, peer, 'train')
    peer.main()
    return step_ms(spans, options.g_steps, options.kd_steps, warmup)


def step_ms(spans: dict[str, list], g_steps: int, kd_steps: int, warmup: int) -> dict[str, float]:
    """Return the ms of the peer's parts, means over the rounds after ``warmup``.

    ``synthesize`` takes the generator's steps, stores the images from ``add`` on, and starts
    a data loader. The wait for its first batch counts with these, not as a student's step.
    """
    sums: dict[str, float] = defaultdict(float)
    rounds = range(warmup, len(spans['train']))
    for index in rounds:
        start, end = spans['synthesize'][index]
        stored = spans['add'][index][0]
        asked, got = spans['sample'][index * kd_steps]
        train_start, train_end = spans['train'][index]
        sums['generator_step_ms'] += (stored - start) / g_steps
        sums['once_a_round_ms'] += end - stored + got - asked
        sums['student_step_ms'] += (train_end - train_start - (got - asked)) / kd_steps
    return {name: 1e3 * value / len(rounds) for name, value in sums.items()}
