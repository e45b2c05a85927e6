import json
import re
import sys

import numpy as np
import pytest
import torch
from load_tool import ROOT, load_tool
from mmengine.config import Config

from mmdfkd.datasets import Corrupt
from mmdfkd.datasets.corruptions import weather
from mmdfkd.registry import DATASETS, MODELS

tool = load_tool('robustness')


def write_mnist(folder, num=60):
    """Digits that are bright lines, a class a row, in MNIST's files."""
    labels = np.arange(num, dtype=np.uint8) % 10
    images = np.random.default_rng(0).integers(0, 60, size=(num, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 4 : 2 * label + 6] = 255
    prepare = load_tool('prepare_mnist')
    for split in ('train', 't10k'):
        prepare.write_idx(folder / f'{split}-images-idx3-ubyte', images)
        prepare.write_idx(folder / f'{split}-labels-idx1-ubyte', labels)


@pytest.fixture(scope='module')
def distilled(tmp_path_factory):
    """A config, and checkpoints of an untrained distiller and of its student alone."""
    folder = tmp_path_factory.mktemp('distilled')
    write_mnist(folder)
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist.py')
    cfg.model.memory.capacity = 10
    torch.manual_seed(0)
    torch.save(MODELS.build(cfg.model.teacher.network).state_dict(), folder / 'teacher.pth')
    cfg.model.teacher.checkpoint = str(folder / 'teacher.pth')
    cfg.test_dataloader.dataset.data_root = str(folder)
    model = MODELS.build(cfg.model)
    model.init_weights()
    torch.save({'state_dict': model.state_dict()}, folder / 'iter_1.pth')
    torch.save({'state_dict': model.student.network.state_dict()}, folder / 'student.pth')
    cfg.dump(folder / 'config.py')
    return folder


def run(folder, monkeypatch, *arguments):
    command = ['robustness.py', str(folder / 'config.py'), str(folder / 'iter_1.pth')]
    monkeypatch.setattr(sys, 'argv', [*command, *arguments])
    tool.main()


def test_student_teacher_and_a_student_on_real_data_are_compared(
    distilled, monkeypatch, capsys, tmp_path
):
    out = tmp_path / 'out.json'
    chosen = ['--corruptions', 'fog', 'shot_noise', '--severities', '1', '5', '--pgd-steps', '2']
    files = ['--real-student', str(distilled / 'student.pth'), '--json', str(out)]
    run(distilled, monkeypatch, '--num', '50', *chosen, *files)
    printed = capsys.readouterr().out
    figures = json.loads(out.read_text())
    rows, means = figures['accuracy'], figures['means']
    assert list(rows) == [
        'clean', 'fog/1', 'fog/5', 'shot_noise/1', 'shot_noise/5',
        'fgsm/25.5', 'fgsm/76.5', 'pgd/25.5', 'pgd/76.5',
    ]  # fmt: skip
    for row in rows.values():
        assert list(row) == ['student', 'teacher', 'student on real data']
        # The same weights see the same images, and the same attack.
        assert row['student'] == row['student on real data']
        assert all(0 <= value <= 100 for value in row.values())
    for name in ('student', 'teacher'):
        fog, noise = (
            (rows[f'{f}/1'][name] + rows[f'{f}/5'][name]) / 2 for f in ('fog', 'shot_noise')
        )
        assert means['fog'][name] == pytest.approx(fog)
        assert means['mean of corruptions'][name] == pytest.approx((fog + noise) / 2)
    assert figures['settings']['num'] == 50
    assert figures['settings']['eps'] == [25.5, 76.5]
    assert figures['measured']['seconds'] > 0
    assert 'threads' in figures['measured']['hardware']
    lines = printed.splitlines()
    assert lines[0] == '| accuracy, % | student | teacher | student on real data |'
    assert [line.split(' | ')[0] for line in lines[2:9]] == [
        '| clean', '| fog', '| shot_noise', '| mean of corruptions',
        '| FGSM, eps 25.5', '| FGSM, eps 76.5', '| PGD, eps 25.5',
    ]  # fmt: skip
    assert lines[-1] == f'50 images, corruptions of severity [1, 5]; written to {out}'
    assert '\r' not in printed  # no bar where there is no terminal
    with pytest.raises(ValueError, match=r"of the same \['num'\].*--json"):
        run(distilled, monkeypatch, '--num', '40', *chosen, *files)
    options = ['--cfg-options', 'test_dataloader.batch_size=50']
    with pytest.raises(ValueError, match=r"of the same \['cfg_options'\]"):
        run(distilled, monkeypatch, '--num', '50', *chosen, *files, *options)


def test_its_images_are_those_of_the_test_set_with_the_transform(distilled):
    cfg = Config.fromfile(distilled / 'config.py')
    images = tool.read_test_set(cfg, 20, seed=1)
    assert len(set(images.indices.tolist())) == 20
    found = tool.corrupted(images, 'snow', 4, seed=3)
    assert found.labels.tolist() == [index % 10 for index in images.indices]
    pipeline = cfg.test_dataloader.dataset.pipeline
    pipeline.insert(1, dict(type=Corrupt, name='snow', severity=4, seed=3))
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    for index, pixels in zip(images.indices, found.pixels, strict=True):
        assert dataset[int(index)]['inputs'].equal(pixels)
    others = tool.read_test_set(cfg, 20, seed=2)
    assert (others.indices != images.indices).any()


def test_accuracies_are_of_pixels(distilled):
    """A 'network' that sees the bright row is right; corrupted to black, it says 0."""
    images = tool.read_test_set(Config.fromfile(distilled / 'config.py'), 60, seed=0)

    def network(pixels):
        lines = torch.arange(10) * 2 + 5
        return pixels[:, 0].mean(2)[:, (lines * 32 / 28).long()] / 20

    assert tool.accuracy(network, images, batch_size=25) == 100
    black = images._replace(pixels=torch.zeros_like(images.pixels))
    assert tool.accuracy(network, black, batch_size=25) == 10

    attack = tool.make_attack('fgsm', 200.0, steps=1, seed=0)
    assert tool.accuracy(network, images, 25, attack) < 50


def test_the_published_files_can_be_read_instead(tmp_path):
    labels = np.tile(np.arange(10_000) % 10, 5).astype(np.uint8)
    np.save(tmp_path / 'labels.npy', labels)
    shape = (50_000, 32, 32, 3)
    arrays = np.lib.format.open_memmap(tmp_path / 'fog.npy', 'w+', np.uint8, shape)
    arrays[20_005, ..., 2] = 7  # severity 3
    indices = np.array([3, 5])
    images = tool.Images(torch.zeros(2, 3, 32, 32), torch.tensor([3, 5]), indices)
    found = tool.published(images, 'fog', 3, str(tmp_path))
    assert found.labels.tolist() == [3, 5]
    assert found.pixels[0].count_nonzero() == 0
    assert found.pixels[1].flatten(1).float().mean(1).tolist() == [0, 0, 7]
    grey = images._replace(pixels=torch.zeros(2, 1, 32, 32))
    with pytest.raises(ValueError, match=r'of shape \(3, 32, 32\) .* got \(1, 32, 32\)'):
        tool.published(grey, 'fog', 3, str(tmp_path))
    by_class = images._replace(labels=torch.tensor([3, 0]))  # as folders of classes are read
    with pytest.raises(ValueError, match='but 1 of 2 labels differ; take the whole test set of'):
        tool.published(by_class, 'fog', 3, str(tmp_path))


def test_absent_published_files_are_told_before_anything_is_evaluated(distilled, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r'fog.npy.*CIFAR-10-C.tar'):
        run(distilled, monkeypatch, '--cifar-c', 'nowhere', '--corruptions', 'fog')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--corruptions', 'rain'], "invalid choice: 'rain' .*gaussian_noise.*jpeg_compression"),
        (['--severities', '6'], 'invalid choice: 6'),
        (['--attacks', 'cw'], "invalid choice: 'cw'"),
    ],
)
def test_unknown_choices_are_told(arguments, message, distilled, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(distilled, monkeypatch, *arguments)
    error = capsys.readouterr().err
    assert re.search(message, error)


def test_test_images_of_other_channels_raise(distilled):
    cfg = Config.fromfile(distilled / 'config.py')
    images = tool.read_test_set(cfg, 10, seed=0)
    colour = images._replace(pixels=images.pixels.repeat(1, 3, 1, 1))
    with pytest.raises(ValueError, match=r'should have 1 channels.* but got 3'):
        tool.build_networks(cfg, str(distilled / 'iter_1.pth'), None, colour)
    # Its mean says nothing of them: one number may be for all, and others have none.
    for preprocessor in (dict(mean=[1.0] * 3), dict(type='mine')):
        cfg.model.data_preprocessor = preprocessor
        assert tool.read_test_set(cfg, 10, seed=0).pixels.equal(images.pixels)


def test_missing_photographs_of_frost_are_told_before_anything_is_evaluated(distilled, monkeypatch):
    monkeypatch.setattr(weather, 'find_spec', lambda _: None)
    weather.frost_photograph.cache_clear()
    monkeypatch.setattr(tool, 'accuracy', lambda *_: pytest.fail('it was measured'))
    with pytest.raises(ImportError, match='leave frost out'):
        run(distilled, monkeypatch, '--num', '10', '--corruptions', 'fog', 'frost')


def test_a_student_on_real_data_is_read_as_a_file_of_its_own(distilled):
    cfg = Config.fromfile(distilled / 'config.py')
    cfg.model.student.update(prefix='module.', key='ema', sha256='0' * 64)
    files = [str(distilled / name) for name in ('iter_1.pth', 'student.pth')]
    assert 'student on real data' in tool.build_networks(cfg, *files)


def test_a_student_of_other_weights_raises(distilled, monkeypatch):
    with pytest.raises(ValueError, match=r'teacher.pth should be those of ImageClassifier'):
        run(distilled, monkeypatch, '--real-student', str(distilled / 'teacher.pth'))
