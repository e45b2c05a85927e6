"""Runs CMI's, Fast-Datafree's or NAYER's own code and times its rounds; for same_method.py.

Their ``datafree_kd.main()`` runs with the options of their scripts for WRN-40-2 -> WRN-16-1.
This is patched, in the process, and nothing else:

* names: ``torchvision.models.utils``, gone from torchvision, has ``torch.hub``'s function;
  ``xlsxwriter`` and ``wandb``, which NAYER imports, are empty (what it logs is dropped);
* device, without a GPU only: ``.cuda()`` returns self, and ``args.gpu`` is the CPU;
* data: CIFAR-10, there for its transforms and for evaluation, is one batch of noise;
* options: batch sizes, steps, folder; no warm-up epochs, so that the adversarial term is on; no
  seed, which would turn on cuDNN's slower deterministic mode; NAYER's ``--method`` has another
  name than its scripts give it, its label codes are random ones of CLIP's size (its file wants
  a GPU), and one inversion a round is timed;
* CMI's memory of features is full, as it is after a while, and draws ``negatives`` of it;
* clocks around ``synthesize``, ``ImagePool.add``, ``sample`` and ``train``.

The teacher's weights are random. The folder of images begins with those of half a run.
"""

import argparse
import importlib
import os
import pickle
import shlex
import sys
import time
import types
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision

#: Script with the published options, and the class that synthesises, by method.
PEERS = {
    'fast_datafree': ('scripts/fast_cifar.sh', 'FastMetaSynthesizer'),
    'cmi': ('scripts/cmi/scratch_cmi_cifar10_wrn402_wrn161.sh', 'CMISynthesizer'),
    'nayer': ('scripts/nayer_100.sh', 'NAYER'),
}
URLS = {
    'fast_datafree': 'https://github.com/zju-vipa/Fast-Datafree',
    'cmi': 'https://github.com/zju-vipa/CMI',
    'nayer': 'https://github.com/tmtuan1307/NAYER',
}
WANTED = dict(teacher='wrn40_2', student='wrn16_1')
#: What tells the published command from others of the same networks; sizes are set anyway.
COMMANDS: dict[str, dict[str, Any]] = {
    'fast_datafree': dict(g_steps=5),
    'cmi': {},
    'nayer': dict(dataset='cifar10'),
}
POOL_BATCHES = 100  # batches of images in the folder at the start


def now() -> np.ndarray:
    """Return the time, and this process's processor time, once the device has done its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return np.array([time.perf_counter(), time.process_time()])


def as_ms(**seconds: np.ndarray) -> dict[str, float]:
    """Name times in ms ``..._ms`` and processor times ``..._cpu_ms``."""
    kinds = (('_ms', 0), ('_cpu_ms', 1))
    return {k + end: 1e3 * float(v[at]) for end, at in kinds for k, v in seconds.items()}


def load(folder: Path, batch_size: int) -> Any:
    """Import the peer's main module, with what it misses supplied."""
    for name in ('torchvision.models.utils', 'xlsxwriter', 'wandb'):
        module: Any = types.ModuleType(name)
        module.load_state_dict_from_url = torch.hub.load_state_dict_from_url
        module.init = module.log = lambda *_, **__: None
        sys.modules[name] = module
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
    """Return the options of the first command of a script that has the ``wanted`` ones."""
    for line in script.replace('\\\n', ' ').splitlines():
        if line.startswith('python datafree_kd.py'):
            words = ['nldf' if word == 'nayer' else word for word in shlex.split(line)[2:]]
            options = parser.parse_args(words)
            if wanted.items() <= vars(options).items():
                return options
    raise ValueError(f"the peer's script should have a command with {wanted}, but has none")


def prepare(peer: Any, options: argparse.Namespace) -> None:
    """Put weights, label codes and a pool of images where the peer looks for them."""
    weights, pool = Path('checkpoints/pretrained'), Path(options.save_dir)
    weights.mkdir(parents=True)
    state = peer.registry.get_model(options.teacher, num_classes=10).state_dict()
    torch.save({'state_dict': state}, weights / f'{options.dataset}_{options.teacher}.pth')
    Path('label_embedding').mkdir()
    Path('label_embedding/cifar10_le.pickle').write_bytes(pickle.dumps(torch.randn(10, 512)))
    noise = torch.rand(options.batch_size, 3, 32, 32)
    peer.datafree.utils.save_image_batch(noise, str(pool / 'noise.png'), pack=False)
    for image in list(pool.iterdir()):
        for copy in range(1, POOL_BATCHES):
            os.link(image, pool / f'{image.stem}-{copy}.png')


def clock(spans: dict[str, list], owner: Any, name: str) -> None:
    """Have the function ``name`` of ``owner`` note when each of its calls starts and ends."""
    function = getattr(owner, name)

    def timed(*args: Any, **kwargs: Any) -> Any:
        start = now()
        result = function(*args, **kwargs)
        spans[name].append((start, now()))
        return result

    setattr(owner, name, timed)


def with_full_memory(construct: Callable, negatives: int) -> Callable:
    """Wrap CMI's constructor: its memory is full, and it draws ``negatives`` of it."""

    def constructed(self: Any, *args: Any, **kwargs: Any) -> None:
        construct(self, *args, **kwargs | dict(n_neg=negatives))
        self.mem_bank.n_updates = self.mem_bank.max_size + 1

    return constructed


def run(method: str, folder: Path, sizes: dict[str, int], rounds: int) -> dict[str, Any]:
    """Run the peer's ``main()`` in the current folder, an empty one; one round is a warm-up.

    Args:
        method: key of ``PEERS``.
        folder: the peer's clone.
        sizes: ``synthesis_batch``, ``batch``, ``steps``, ``kd_steps`` and ``negatives``.
        rounds: rounds timed.

    Returns:
        ms of its parts, and the parameters of its networks.
    """
    peer = load(folder, sizes['batch'])
    script, synthesizer = PEERS[method]
    options = published(peer.parser, (folder / script).read_text(), **WANTED, **COMMANDS[method])
    options.method = {'fast_datafree': 'fast_meta'}.get(method, method)
    options.batch_size, options.synthesis_batch_size = sizes['batch'], sizes['synthesis_batch']
    options.g_steps, options.kd_steps, options.ep_steps = sizes['steps'], *[sizes['kd_steps']] * 2
    options.epochs, options.dataset, options.save_dir = 1 + rounds, 'cifar10', f'{Path.cwd()}/pool'
    options.warmup, options.seed, options.log_tag, options.cmi_init = 0, None, '', None
    options.g_loops = 1
    if not torch.cuda.is_available():
        options.gpu = torch.device('cpu')
    prepare(peer, options)
    peer.parser.parse_args = lambda: options
    owner = getattr(peer.datafree.synthesis, synthesizer)
    if method == 'cmi':
        owner.__init__ = with_full_memory(owner.__init__, sizes['negatives'])
    spans: dict[str, list] = defaultdict(list)
    for name in ('synthesize', 'sample'):
        clock(spans, owner, name)
    clock(spans, peer.datafree.utils.ImagePool, 'add')
    clock(spans, peer, 'train')
    peer.main()
    networks = [peer.registry.get_model(name, num_classes=10) for name in WANTED.values()]
    return step_ms(spans, sizes['steps'], sizes['kd_steps']) | {
        'parameters': [sum(p.numel() for p in network.parameters()) for network in networks]
    }


def step_ms(spans: dict[str, list], steps: int, kd_steps: int) -> dict[str, float]:
    """Return the ms of the peer's parts, means over the rounds after the first.

    ``synthesize`` takes its steps, stores the images from ``add`` on, and starts a data loader.
    The wait for its first batch counts with these, not as a student's step.
    """
    sums: dict[str, Any] = defaultdict(float)
    rounds = range(1, len(spans['train']))
    for index in rounds:
        start, end = spans['synthesize'][index]
        stored = spans['add'][index][0]
        asked, got = spans['sample'][index * kd_steps]
        train_start, train_end = spans['train'][index]
        sums['synthesis_step'] += (stored - start) / steps
        sums['once'] += end - stored + got - asked
        sums['student_step'] += (train_end - train_start - (got - asked)) / kd_steps
    return as_ms(**{name: value / len(rounds) for name, value in sums.items()})
