"""The folder that every row of the table works in: configs, a teacher, a run, wrong files."""

import argparse
import copy
import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from mmdfkd.registry import MODELS

from .outcome import run
from .toy_configs import CLASSES, METHODS, SIZE, classifier, distillation, image_set, network

PICTURES = 12  # of a class


def write_config(path, config):
    path.write_text('\n'.join(f'{key} = {value!r}' for key, value in config.items()) + '\n')


def picture(label, seed):
    """Noise in the colour of the class."""
    draws = np.random.default_rng((label, seed))
    pixels = draws.integers(0, 120, (SIZE, SIZE, 3))
    pixels[..., label % 3] += 130
    return Image.fromarray(pixels.astype(np.uint8))


def write_set(place, names=('0', '1', '2'), number=PICTURES, change=lambda image: image):
    for label, name in enumerate(names):
        (place / name).mkdir(parents=True)
        for seed in range(number):
            change(picture(label, seed)).save(place / name / f'{seed:02}.png')
    return place


def write_sets(sets):
    write_set(sets / 'test')
    write_set(sets / 'two_classes', ('0', '1'))
    write_set(sets / 'four_classes', ('0', '1', '2', '3'))
    write_set(sets / 'grey', change=lambda image: image.convert('L'))
    write_set(sets / 'larger', change=lambda image: image.resize((2 * SIZE, 2 * SIZE)))
    (write_set(sets / 'empty_class') / '1').rename(sets / 'away')
    (sets / 'empty_class/1').mkdir()
    broken = write_set(sets / 'broken')
    (broken / '2/00.png').write_bytes(b'\x89PNG\r\n\x1a\n and no more')
    others = sets / 'others'
    others.mkdir()
    for seed in range(4):
        picture(seed, 99).save(others / f'{seed}.png')
    (sets / 'no_images').mkdir()
    (sets / 'texts').mkdir()
    (sets / 'texts/a.txt').write_text('text')
    labels = '\n'.join(f'0/{seed:02}.png {seed % 3 + 1}' for seed in range(6))
    (sets / 'from_1.txt').write_text(labels)
    (sets / 'strings.txt').write_text('0/00.png cat\n')


def train_teacher(file):
    """A teacher that knows the colours."""
    torch.manual_seed(0)
    model = MODELS.build(network())
    images = [picture(label, seed) for label in range(CLASSES) for seed in range(PICTURES)]
    pixels = torch.stack([torch.from_numpy(np.array(image)) for image in images])
    inputs = (pixels.permute(0, 3, 1, 2).float() - 127.5) / 64
    labels = torch.arange(CLASSES).repeat_interleave(PICTURES)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
    torch.save(model.state_dict(), file)
    return model.eval()


class NotPlain(nn.Module):
    """What ``torch.save(model)`` writes."""


def write_weights(files, teacher, run_state):
    """Write files that are no teacher's weights, and no checkpoint of the run."""
    state = teacher.state_dict()
    raw = (files.parent / 'teacher.pth').read_bytes()
    (files / 'empty.pth').write_bytes(b'')
    (files / 'text.pth').write_text('wrong')
    (files / 'lfs.pth').write_text('version https://git-lfs.github.com/spec/v1\noid sha256:0\n')
    (files / 'page.pth').write_text('<!DOCTYPE html><html></html>')
    (files / 'half.pth').write_bytes(raw[: len(raw) // 2])
    (files / 'noise.pth').write_bytes(np.random.default_rng(0).bytes(500))
    (files / 'keras.pth').write_bytes(b'\x89HDF\r\n\x1a\n' + bytes(40))
    (files / 'folder.pth').mkdir()
    torch.save(NotPlain(), files / 'module.pth')
    torch.save([1, 2], files / 'list.pth')
    torch.save({}, files / 'nothing.pth')
    torch.save({'args': argparse.Namespace(lr=1)}, files / 'arguments.pth')
    torch.save({'a': state, 'b': state}, files / 'two.pth')
    torch.save({k: v * float('nan') for k, v in state.items() if v.dtype.is_floating_point}
               | {k: v for k, v in state.items() if not v.dtype.is_floating_point},
               files / 'nan.pth')  # fmt: skip
    whole = {k: v.round().to(torch.int8) if v.dim() > 1 else v for k, v in state.items()}
    torch.save(whole, files / 'integers.pth')
    torch.save({k: torch.zeros_like(v) for k, v in state.items()}, files / 'zeros.pth')
    torch.save({k: v for k, v in state.items() if 'fc' not in k}, files / 'no_head.pth')
    torch.save(MODELS.build(network(14)).state_dict(), files / 'deeper.pth')
    torch.save(MODELS.build(network(8, 5)).state_dict(), files / 'five_classes.pth')
    torch.manual_seed(1)
    torch.save(MODELS.build(network()).state_dict(), files / 'random.pth')
    convs = [name for name, value in state.items() if value.shape == (16, 16, 3, 3)]
    convs += [name for name, value in state.items() if value.shape == (64, 64, 3, 3)]
    turned = {name: state[other].flip(0) for name, other in zip(convs, convs, strict=True)}
    torch.save(state | turned, files / 'permuted.pth')
    nan = copy.deepcopy(run_state)
    for key, value in nan['state_dict'].items():
        if key.startswith('student.') and value.is_floating_point():
            value.fill_(float('nan'))
    torch.save(nan, files / 'nan_run.pth')
    best = {key: run_state[key] for key in ('meta', 'state_dict', 'message_hub')}
    torch.save(best, files / 'best_accuracy_top1_iter_4.pth')


def write_configs(world):
    for method in METHODS:
        write_config(world / f'{method}.py', distillation(method, world))
    write_config(world / 'classifier.py', classifier(world))
    toy = distillation('dedfkd', world)
    write_config(world / 'no_model.py', {k: v for k, v in toy.items() if k != 'model'})
    no_test = {k: v for k, v in toy.items() if not k.startswith('test')}
    write_config(world / 'no_test.py', no_test)
    (world / 'syntax.py').write_text('model = dict(\n')
    (world / 'raises.py').write_text('model = 1 / 0\n')
    (world / 'config.json').write_text('{')
    (world / 'config.txt').write_text('model')
    extractor = dict(type='mmdfkd.ClassifierExtractor', classifier=toy['model']['teacher'],
                     data_preprocessor=toy['model']['data_preprocessor'])  # fmt: skip
    write_config(world / 'extractor.py', dict(extractor=extractor))
    write_config(world / 'no_extractor.py', dict(model=1))
    no_weights = extractor | dict(classifier=extractor['classifier'] | dict(checkpoint=None))
    write_config(world / 'random_extractor.py', dict(extractor=no_weights))
    hooks = toy['default_hooks'] | dict(
        restart=dict(type='mmdfkd.GeneratorRestartHook', interval=2),
        ema=dict(type='mmdfkd.DistillerEMAHook', momentum=0.1),
    )
    write_config(world / 'hooks.py', toy | dict(default_hooks=hooks))
    write_config(world / 'constant.py', toy | dict(param_scheduler=None))
    write_config(world / 'real.py', toy | dict(real_images=image_set(f'{world}/sets/test')))


def write_figures(world):
    """Files of figures, reports and data sets that other settings have made."""
    (world / 'other.json').write_text('{"settings": {"num": 1}}')
    (world / 'no_figures.json').write_text('[]')
    (world / 'dedfkd.pth').write_text('its config is dedfkd.py')
    np.savez(world / 'other.npz', images=np.zeros(1))
    (world / 'note.txt').write_text('mine')
    (world / 'a_folder').mkdir()
    (world / 'a_folder/mine.txt').write_text('mine')
    (world / 'results.jsonl').write_text('no json\n')
    pngs = world / 'pngs'
    for split in ('train', 'test'):
        for label in range(10):
            (pngs / split / str(label)).mkdir(parents=True)
            Image.new('L', (28, 28)).save(pngs / split / str(label) / '0.png')
    shutil.copytree(pngs, world / 'pngs_three')
    for label in range(3, 10):
        shutil.rmtree(world / f'pngs_three/train/{label}')
    shutil.copytree(pngs, world / 'pngs_broken')
    (world / 'pngs_broken/test/4/0.png').write_text('no picture')
    damaged = world / 'damaged_run/20240101_000000/vis_data'
    damaged.mkdir(parents=True)
    (damaged / 'scalars.json').write_text('no json\n')


def make(world):
    """Fill the folder ``world``; returns what a good run of it printed."""
    world = Path(world)
    write_sets(world / 'sets')
    teacher = train_teacher(world / 'teacher.pth')
    write_configs(world)
    good = run('train', [f'{world}/dedfkd.py', '--work-dir', f'{world}/run'], watch=False)
    assert good.status == 0, good.text
    for name, rounds in (('constant', 4), ('noise', 2)):
        place = f'{world}/{name}' if name == 'constant' else f'{world}/noise_run'
        given = [f'{world}/{name}.py', '--work-dir', place, '--rounds', str(rounds)]
        assert run('train', given, watch=False).status == 0
    state = torch.load(world / 'run/iter_4.pth', weights_only=True)
    (world / 'files').mkdir()
    write_weights(world / 'files', teacher, state)
    write_figures(world)
    return good
