"""A peer's accuracy over time on a public teacher: ``peer_curve.py --peer DIR``.

Runs Fast-Datafree (see benchmark_peer.py, and fast_datafree.py for what is patched in it)
with its options for small networks, the teacher and the student of a config of ours (the
public ResNet-20 and ResNet-8), and that teacher's mean and std. Its epochs are short, so
that all of them, its warm-up and its cosine fit in the time there is.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # see train.py

import fast_datafree
import torch
import torchvision
from benchmark_peer import check_peer
from mmengine.config import Config
from torch import Tensor, nn

from mmdfkd.cli.command import Parser, above_zero, as_command, not_negative, positive
from mmdfkd.config_tools import read_distillation
from mmdfkd.outputs import Output
from mmdfkd.registry import MODELS

CONFIG = Path(__file__).resolve().parents[2] / 'configs/dedfkd_resnet20_resnet8_cifar10.py'
TEACHER, STUDENT = 'our_teacher', 'our_student'  # what the peer calls our networks
EVERY = 5  # of 10,000 test images: the subset of 2,000


class PeerNetwork(nn.Module):
    """Our classifier as the peer calls its own."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: Tensor, return_features: bool = False) -> Any:
        """Return logits (N, C), with features (N, D) if asked."""
        prediction = self.classifier(images)
        return tuple(prediction) if return_features else prediction.logits


def use_networks(peer: Any, cfg: Config) -> None:
    """Have the peer's registry give the config's networks and normalisation."""
    networks = {TEACHER: cfg.model.teacher, STUDENT: cfg.model.student}
    peer.registry.get_model = lambda name, **_: PeerNetwork(MODELS.build(networks[name]))
    pixels = cfg.model.data_preprocessor
    peer.registry.NORMALIZE_DICT['cifar10'] = {
        key: tuple(value / 255 for value in pixels[key]) for key in ('mean', 'std')
    }


def use_images(folder: str) -> None:
    """Have the peer evaluate on every fifth image of ``folder``, read once."""

    def dataset(*_: Any, train: bool, transform: Any, **__: Any) -> Any:
        images = torchvision.datasets.ImageFolder(folder, transform)
        return images if train else [images[i] for i in range(0, len(images), EVERY)]

    vars(torchvision.datasets)['CIFAR10'] = dataset


def record(peer: Any, seconds: float, file: Path) -> None:
    """Write (minutes of training, accuracy) at each evaluation; stop after ``seconds``."""
    start, evaluating = time.perf_counter(), 0.0
    curve: list[tuple[float, float]] = []
    evaluate = peer.datafree.evaluators.Evaluator.eval

    def recorded(self: Any, model: nn.Module, **options: Any) -> Any:
        nonlocal evaluating
        asked = time.perf_counter()
        results = evaluate(self, model, **options)
        spent = asked - start - evaluating
        evaluating += time.perf_counter() - asked
        curve.append((spent / 60, float(results['Acc'][0])))
        file.write_text(json.dumps(curve))
        if spent > seconds:
            print(f'{spent / 60:.1f} minutes are over; see {file}')
            raise SystemExit(0)
        return results

    peer.datafree.evaluators.Evaluator.eval = recorded


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('--peer', type=Path, required=True, help='a clone of Fast-Datafree')
    parser.add_argument('--config', type=Path, default=CONFIG, help='a CIFAR-10 config of ours')
    parser.add_argument('--images', default='data/cifar10/test', help='test images by class')
    parser.add_argument('--out', type=Path, default=Path('peer_curve.json'))
    parser.add_argument('--force', action='store_true', help='replace the file of --out')
    parser.add_argument('--minutes', type=above_zero, default=50.0, help='of training, at most')
    parser.add_argument('--epochs', type=positive, default=200, help='one in eleven is warm-up')
    parser.add_argument('--g-steps', type=positive, default=5)
    parser.add_argument('--kd-steps', type=positive, default=20)
    parser.add_argument('--batch-size', type=positive, default=128)
    parser.add_argument('--seed', type=not_negative, default=1)
    return parser.parse_args()


def choose_options(peer: Any, args: argparse.Namespace) -> argparse.Namespace:
    """Return the peer's published options for small networks, with our lengths."""
    script = (args.peer / fast_datafree.SCRIPT).read_text()
    options = fast_datafree.published(
        peer.parser, script, g_steps=args.g_steps, teacher='wrn40_2', student='wrn16_1'
    )
    options.teacher, options.student, options.dataset = TEACHER, STUDENT, 'cifar10'
    options.batch_size, options.kd_steps = args.batch_size, args.kd_steps
    options.ep_steps, options.epochs = args.kd_steps, args.epochs
    options.warmup, options.seed = args.epochs // 11, args.seed  # 20 of its 220
    if not torch.cuda.is_available():
        options.gpu = torch.device('cpu')
    return options


def main() -> None:
    """Run the peer with that teacher."""
    args = parse_args()
    check_peer(args.peer)
    cfg = read_distillation(args.config)
    Output(args.out, args.force, option='another --out').write('[]')
    cfg.model.teacher.checkpoint = os.path.abspath(cfg.model.teacher.checkpoint)
    out = args.out.resolve()
    peer = fast_datafree.load(args.peer.resolve(), args.batch_size)
    use_networks(peer, cfg)
    use_images(os.path.abspath(args.images))
    options = choose_options(peer, args)
    peer.parser.parse_args = lambda: options
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        options.save_dir = f'{folder}/pool'
        Path('checkpoints/pretrained').mkdir(parents=True)
        weights = peer.registry.get_model(TEACHER).state_dict()
        torch.save({'state_dict': weights}, f'checkpoints/pretrained/cifar10_{TEACHER}.pth')
        record(peer, 60 * args.minutes, out)
        peer.main()


command = as_command(main)

if __name__ == '__main__':
    command()
