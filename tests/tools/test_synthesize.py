import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config
from mmpretrain.datasets import CustomDataset
from PIL import Image
from torchvision.datasets import ImageFolder
from toy import NUM_CLASSES, toy_dedfkd
from toy_methods import toy_dafl_memory

from mmdfkd.datasets import LatentDataset
from mmdfkd.models.memories import ImageMemory
from mmdfkd.registry import MODELS

ROOT = Path(__file__).parents[2]


def settings(**given):
    defaults = dict(source='generator', num=20, num_classes=NUM_CLASSES, seed=0, batch_size=6)
    return defaults | given


def colour_distiller(conditional=True, held=0):
    """A toy distiller whose teacher sees every class, with ``held`` images in its memory."""
    if conditional:
        distiller = toy_dedfkd(capacity=40).eval()
    else:
        distiller = toy_dafl_memory(memory=ImageMemory(40)).eval()
    pixels = torch.rand(held or 40, 3, 8, 8) * 255
    if held:
        distiller.memory.add(pixels)
    else:
        drawn = LatentDataset(NUM_CLASSES, 40, 5)
        latents = torch.stack([drawn[i]['latent'] for i in range(40)])
        labels = torch.tensor(drawn.labels)
        pixels = distiller.generator.eval()(latents, labels)
    with torch.no_grad():
        logits = distiller.teacher(distiller.normalize(pixels)).logits
        distiller.teacher.network[-1].bias -= logits.mean(0)
    return distiller


def read(folder):
    """All files of a folder, by name."""
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob('*') if f.is_file()}


def pixels_of(file):
    return np.asarray(Image.open(file))


def decision(distiller, image):
    inputs = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
    return int(distiller.teacher(distiller.normalize(inputs)).logits.argmax(1))


def test_conditional_images_are_of_the_asked_classes_and_balanced(tmp_path):
    distiller = colour_distiller()
    load_tool('synthesize').write_folder(distiller, tmp_path / 'set', settings())
    expected = {label: [] for label in range(NUM_CLASSES)}
    dataset = LatentDataset(NUM_CLASSES, 21, 5, seed=0)
    for item in [dataset[i] for i in range(21)]:
        batch = {'latent': item['latent'][None], 'label': torch.tensor([item['label']])}
        image = distiller.val_step(batch)[0]['images'][0].permute(1, 2, 0).numpy()
        expected[item['label']].append(image)
    for label, images in expected.items():
        files = sorted((tmp_path / 'set' / str(label)).iterdir())
        assert len(files) == (6 if label == 2 else 7)  # 20 images of 3 classes
        assert [f.name for f in files] == [f'{i:06d}.png' for i in range(len(files))]
        for file, image in zip(files, images, strict=False):
            # Another batch size, so the last bit of a figure may differ, and a pixel by one.
            assert np.abs(pixels_of(file).astype(int) - image).max() <= 1
    state = json.loads((tmp_path / 'set/dataset.json').read_text())
    assert state['counts'] == [7, 7, 6]
    agrees = [decision(distiller, pixels_of(f)) == int(f.parent.name) for f in images_of(tmp_path)]
    assert state['teacher_agrees'] == sum(agrees)
    assert 0 < sum(agrees) < 20


def images_of(folder):
    return sorted(folder.glob('set/*/*.png'))


def test_unconditional_images_get_the_teachers_decision(tmp_path):
    distiller = colour_distiller(conditional=False)
    load_tool('synthesize').write_folder(distiller, tmp_path / 'set', settings(num=21))
    expected = {label: [] for label in range(NUM_CLASSES)}
    dataset = LatentDataset(NUM_CLASSES, 1000, 5, seed=0)
    index = 0
    while min(map(len, expected.values())) < 7:
        batch = {'latent': dataset[index]['latent'][None], 'label': torch.tensor([0])}
        image = distiller.val_step(batch)[0]['images'][0].permute(1, 2, 0).numpy()
        of_class = expected[decision(distiller, image)]
        if len(of_class) < 7:
            of_class.append(image)
        index += 1
    assert index > 21  # some were not wanted any more
    for label, images in expected.items():
        files = sorted((tmp_path / 'set' / str(label)).iterdir())
        for file, image in zip(files, images, strict=True):
            assert np.abs(pixels_of(file).astype(int) - image).max() <= 1


def test_memory_images_come_once_each_with_the_teachers_decision(tmp_path):
    distiller = colour_distiller(held=40)
    in_memory = {distiller.memory.images[i].permute(1, 2, 0).numpy().tobytes() for i in range(40)}
    load_tool('synthesize').write_folder(
        distiller, tmp_path / 'set', settings(source='memory', num=9)
    )
    files = images_of(tmp_path)
    written = [pixels_of(file) for file in files]
    assert len({image.tobytes() for image in written} & in_memory) == 9
    assert [decision(distiller, image) for image in written] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ('conditional', 'source'), [(True, 'generator'), (False, 'generator'), (True, 'memory')]
)
def test_a_stopped_run_goes_on_to_the_same_files(tmp_path, monkeypatch, conditional, source):
    tool = load_tool('synthesize')
    distiller = colour_distiller(conditional, held=40 if source == 'memory' else 0)
    asked = settings(source=source, num=18)
    tool.write_folder(distiller, tmp_path / 'whole', asked)

    class StoppedError(Exception):
        pass

    written = []
    write_image = tool.image_set.write_image

    def stop(path, pixels):
        if len(written) == 10:
            path.with_name(f'{path.name}.tmp').write_bytes(b'half')
            raise StoppedError
        written.append(path)
        write_image(path, pixels)

    with monkeypatch.context() as patch:
        patch.setattr(tool.image_set, 'write_image', stop)
        with pytest.raises(StoppedError):
            tool.write_folder(distiller, tmp_path / 'stopped', asked)
    assert 0 < json.loads((tmp_path / 'stopped/dataset.json').read_text())['batches'] < 3
    batches = []
    val_step = distiller.val_step
    monkeypatch.setattr(distiller, 'val_step', lambda data: batches.append(data) or val_step(data))
    tool.write_folder(distiller, tmp_path / 'stopped', asked)
    assert read(tmp_path / 'stopped') == read(tmp_path / 'whole')
    done = json.loads((tmp_path / 'whole/dataset.json').read_text())
    assert 0 < len(batches) < done['batches']  # it did not begin anew
    tool.write_folder(distiller, tmp_path / 'stopped', asked)  # done: nothing to do
    assert read(tmp_path / 'stopped') == read(tmp_path / 'whole')


@pytest.mark.parametrize('source', ['generator', 'memory'])
def test_nothing_is_written_of_a_diverged_run(tmp_path, source):
    distiller = colour_distiller(held=40)
    part = distiller.generator if source == 'generator' else distiller.teacher
    with torch.no_grad():
        next(part.parameters())[0] = torch.nan
    what = 'images' if source == 'generator' else 'logits'
    with pytest.raises(ValueError, match=f'{what} of synthetic samples should be finite.*earlier'):
        load_tool('synthesize').write_folder(distiller, tmp_path / 'set', settings(source=source))
    assert not images_of(tmp_path)


def test_a_class_that_the_teacher_never_sees_is_an_error(tmp_path):
    distiller = colour_distiller(conditional=False)
    with torch.no_grad():
        distiller.teacher.network[-1].bias[1] = -1e6
    with pytest.raises(ValueError, match=r'in 240 images .* only \{1: 0\}.*; take a checkpoint'):
        load_tool('synthesize').write_folder(distiller, tmp_path / 'set', settings(num=12))


@pytest.mark.parametrize(('source', 'advised'), [('generator', False), ('memory', True)])
def test_of_a_generator_fewer_images_are_no_way_out(source, advised):
    """It draws in proportion to what is asked for: the fewer failed again."""
    told = load_tool('synthesize').too_few(settings(source=source), 240, [2, 4, 4], [4, 4, 4])
    assert ('ask for --per-class 2, or' in told) == advised


def test_a_memory_with_too_few_images_of_a_class_says_how_many_there_are(tmp_path):
    distiller = colour_distiller(held=30)
    decisions = [
        decision(distiller, image.permute(1, 2, 0)) for image in distiller.memory.images[:30]
    ]
    fewest = min(decisions.count(label) for label in range(NUM_CLASSES))
    tool = load_tool('synthesize')
    with pytest.raises(ValueError, match=f'in 30 images .* ask for --per-class {fewest}, or'):
        tool.write_folder(distiller, tmp_path / 'a', settings(source='memory', num=60))
    tool.write_folder(distiller, tmp_path / 'b', settings(source='memory', num=3 * fewest))


def test_an_empty_memory_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='it is empty; take a checkpoint of a later'):
        load_tool('synthesize').draws(toy_dedfkd(), 'memory', num=3, seed=0)


def test_a_folder_of_other_settings_or_files_is_left_alone(tmp_path):
    tool, distiller = load_tool('synthesize'), colour_distiller()
    tool.write_folder(distiller, tmp_path / 'set', settings())
    before = read(tmp_path)
    with pytest.raises(ValueError, match=r"'seed': \(0, 1\)\} \(there, asked\)"):
        tool.write_folder(distiller, tmp_path / 'set', settings(seed=1))
    (tmp_path / 'set/dataset.json').rename(tmp_path / 'set/other.json')
    with pytest.raises(ValueError, match='it has other files'):
        tool.write_folder(distiller, tmp_path / 'set', settings())
    assert sorted(before.values()) == sorted(read(tmp_path).values())


@pytest.fixture(scope='module')
def grey(tmp_path_factory):
    """The command line's config and checkpoint, of an untrained distiller of grey images."""
    folder = tmp_path_factory.mktemp('grey')
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    cfg.model.memory.capacity = 20
    torch.manual_seed(0)
    torch.save(MODELS.build(cfg.model.teacher.network).state_dict(), folder / 'teacher.pth')
    cfg.model.teacher.checkpoint = str(folder / 'teacher.pth')
    cfg.dump(folder / 'config.py')
    state = MODELS.build(cfg.model).state_dict()
    torch.save({'state_dict': state, 'meta': {}}, folder / 'iter_1.pth')
    return [str(folder / 'config.py'), str(folder / 'iter_1.pth')]


def test_grey_images_are_read_by_torchvision_and_mmpretrain(tmp_path, grey):
    arguments = [*grey, str(tmp_path / 'set'), '--num', '25', '--grid', str(tmp_path / 'grid.png')]
    load_tool('synthesize').main(arguments)
    files = images_of(tmp_path)
    labels = [int(file.parent.name) for file in files]
    assert sorted(labels) == sorted([*range(10), *range(10), *range(5)])

    torchvision = ImageFolder(tmp_path / 'set')
    assert torchvision.targets == labels
    mmpretrain = CustomDataset(data_root=str(tmp_path / 'set'))
    assert [mmpretrain.get_data_info(i)['gt_label'] for i in range(25)] == labels
    assert [mmpretrain.get_data_info(i)['img_path'] for i in range(25)] == [str(f) for f in files]
    for file, (image, _) in zip(files, torchvision, strict=True):
        assert pixels_of(file).shape == (32, 32)
        assert (np.asarray(image)[..., 0] == pixels_of(file)).all()

    grid = pixels_of(tmp_path / 'grid.png')  # a row a class, of two images, two pixels apart
    assert grid.shape[:2] == (10 * 34 + 2, 2 * 34 + 2)
    for label in range(10):
        row = grid[2 + 34 * label :][:32, ..., 0]
        for number in range(2):
            file = tmp_path / 'set' / str(label) / f'{number:06d}.png'
            assert (row[:, 2 + 34 * number :][:, :32] == pixels_of(file)).all()


def test_one_file_holds_what_the_folder_holds(tmp_path, grey):
    tool = load_tool('synthesize')
    for out in ('set', 'set.npz'):
        tool.main([*grey, str(tmp_path / out), '--per-class', '2', '--seed', '3'])
    grids = [tmp_path / 'folder.png', tmp_path / 'file.png']
    for out, grid in zip(('set', 'set.npz'), grids, strict=True):  # done: draws the grids alone
        more = ['--per-class', '2', '--seed', '3', '--grid', str(grid)]
        tool.main([*grey, str(tmp_path / out), *more])
    assert (pixels_of(grids[0]) == pixels_of(grids[1])).all()
    with np.load(tmp_path / 'set.npz', allow_pickle=False) as content:
        images, labels = content['images'], content['labels']
        metadata = json.loads(str(content['metadata']))
    assert (images.dtype, images.shape) == (np.uint8, (20, 32, 32, 1))
    assert labels.dtype == np.int64
    assert labels.tolist() == [label for label in range(10) for _ in range(2)]
    assert (images[..., 0] == np.stack([pixels_of(f) for f in images_of(tmp_path)])).all()
    assert metadata == json.loads((tmp_path / 'set/dataset.json').read_text())
    assert metadata['settings']['labels'] == 'asked'
    assert not (tmp_path / 'set.npz.parts').exists()
    with pytest.raises(ValueError, match=r"'seed': \(3, 4\)"):
        tool.main([*grey, str(tmp_path / 'set.npz'), '--per-class', '2', '--seed', '4'])


def test_wrong_checkpoints_and_sizes_are_errors(tmp_path, grey):
    main = load_tool('synthesize').main
    config, checkpoint = grey
    with pytest.raises(FileNotFoundError, match='no file is there; give one'):
        main([config, str(tmp_path / 'iter_9.pth'), str(tmp_path / 'set')])
    other = ['--cfg-options', 'model.generator.base_channels=8']
    with pytest.raises(ValueError, match='should be a checkpoint of the config’s DEDFKD'):
        main([config, checkpoint, str(tmp_path / 'set'), *other])
    with pytest.raises(ValueError, match='at least 10, one image a class, but got 9'):
        main([config, checkpoint, str(tmp_path / 'set'), '--num', '9'])
    with pytest.raises(ValueError, match='it is empty'):
        main([config, checkpoint, str(tmp_path / 'memory'), '--source', 'memory', '--num', '10'])
    assert not (tmp_path / 'set').exists()


def test_there_is_a_bar_on_a_terminal_only(tmp_path, monkeypatch, capsys):
    tool, distiller = load_tool('synthesize'), colour_distiller()
    tool.write_folder(distiller, tmp_path / 'quiet', settings())
    assert capsys.readouterr() == ('', '')
    monkeypatch.setattr(sys.stdout, 'isatty', lambda: True)
    tool.write_folder(distiller, tmp_path / 'shown', settings())
    assert re.search('images.* 100%', capsys.readouterr().out)


def test_a_killed_process_goes_on(tmp_path, grey):
    command = [sys.executable, str(ROOT / 'tools/synthesize.py'), *grey]
    more = ['--num', '2000', '--batch-size', '20']
    process = subprocess.Popen(
        [*command, str(tmp_path / 'killed'), *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / 'killed/3/000020.png').exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, 'the run ended before it could be killed'
    before = json.loads((tmp_path / 'killed/dataset.json').read_text())['batches']
    assert 0 < before < 100
    load_tool('synthesize').main([*grey, str(tmp_path / 'killed'), *more])
    load_tool('synthesize').main([*grey, str(tmp_path / 'whole'), *more])
    assert read(tmp_path / 'killed') == read(tmp_path / 'whole')
