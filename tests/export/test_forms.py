"""Each form is read back by its own library, and compared with the run's student."""

import json
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import timm
import torch
from mmengine.config import Config
from mmpretrain import ImageClassificationInferencer
from mmpretrain.registry import TRANSFORMS
from PIL import Image
from safetensors.torch import load_file
from toy_export import BGR, COLOUR, logits_of, untrained_run

from mmdfkd.export import forms, load_student, write_mmpretrain, write_pt2, write_safetensors
from mmdfkd.export.card import Written, card
from mmdfkd.export.forms import check_mmpretrain, library_of
from mmdfkd.models.classifiers.probe import logits_of as container_logits
from mmdfkd.outputs import Output

TIMM = dict(type='mmpretrain.TimmClassifier', model_name='test_resnet', num_classes=10)


def exported(folder, config=COLOUR, **options):
    distiller, *files = untrained_run(folder / 'run', config, **options)
    student = load_student(Config.fromfile(files[0]), files[1])
    return distiller, student


def written(folder, student):
    """Write the weights, and a config where there is one; returns the folder."""
    library = 'model' in dict(student.network.named_children())
    config = Output(folder / 'config.json') if library else None
    write_safetensors(student, Output(folder / 'model.safetensors'), config)
    return folder


@pytest.mark.parametrize('options', [{}, BGR], ids=['rgb', 'bgr'])
@pytest.mark.parametrize('dtype', [torch.float32, torch.uint8], ids=str)
def test_a_program_is_read_by_torch(tmp_path, dtype, options):
    distiller, student = exported(tmp_path, **options)
    assert write_pt2(student, tmp_path / 'model.pt2', dtype) <= 1e-6
    program = torch.export.load(tmp_path / 'model.pt2').module()
    for num in (1, 5):
        pixels = torch.randint(256, (num, 3, 32, 32)).to(dtype)
        torch.testing.assert_close(program(pixels), logits_of(distiller, pixels))


def test_a_network_that_cannot_be_a_program_is_one_line(tmp_path):
    _, student = exported(tmp_path)
    student.network.forward = lambda inputs: inputs.mean((2, 3)) if inputs.sum() > 0 else inputs
    with pytest.raises(ValueError, match=r'its exporter raised .*leave pt2 out of the formats'):
        write_pt2(student, tmp_path / 'model.pt2', torch.float32)


def test_weights_have_the_keys_of_the_network(tmp_path):
    distiller, student = exported(tmp_path)
    weights = load_file(written(tmp_path, student) / 'model.safetensors')
    expected = distiller.student.network.state_dict()
    assert weights.keys() == expected.keys()
    assert all(weights[name].equal(value) for name, value in expected.items())
    assert (tmp_path / 'model.safetensors').stat().st_mode & 0o044  # not its owner's alone


@pytest.mark.parametrize('channels', [1, 3])
def test_timm_loads_the_folder(tmp_path, channels):
    config = COLOUR if channels == 3 else 'configs/dedfkd_lenet5_mnist5k.py'
    network = TIMM | (dict(in_chans=1) if channels == 1 else {})
    distiller, student = exported(tmp_path, config, student=network)
    student.classes = tuple('abcdefghij')
    folder = written(tmp_path, student)
    model = timm.create_model(f'local-dir:{folder}', pretrained=True).eval()
    given = timm.data.resolve_data_config(model=model)
    assert tuple(given['input_size']) == (channels, 32, 32)
    pixels = torch.randint(256, (2, channels, 32, 32)).float()
    mean, std = (torch.tensor(given[name]).view(-1, 1, 1) for name in ('mean', 'std'))
    found = model((pixels / 255 - mean) / std)
    torch.testing.assert_close(found, logits_of(distiller, pixels), atol=1e-4, rtol=1e-4)
    described = json.loads((folder / 'config.json').read_text())
    assert described['label_names'] == list('abcdefghij')
    assert described['pretrained_cfg']['crop_mode'] == 'squash'


def test_timm_builds_a_network_of_other_arguments(tmp_path):
    distiller, student = exported(tmp_path, student=TIMM | dict(model_name='test_vit', img_size=32))
    model = timm.create_model(f'local-dir:{written(tmp_path, student)}', pretrained=True).eval()
    pixels = torch.rand(2, 3, 32, 32) * 255
    inputs = distiller.normalize(pixels)
    torch.testing.assert_close(model(inputs), logits_of(distiller, pixels))


@pytest.mark.parametrize(
    'cut',
    [
        dict(type='mmdfkd.without_blocks', blocks=['model.layer1.0']),
        dict(type='mmdfkd.narrower', image_shape=[3, 32, 32]),
    ],
)
def test_timm_is_not_said_to_build_a_part_of_its_network(cut, tmp_path):
    _, student = exported(tmp_path, student=dict(network=TIMM, **cut))
    assert library_of(student) is None
    write_safetensors(student, Output(tmp_path / 'model.safetensors'), None)
    weights = load_file(tmp_path / 'model.safetensors')
    names = timm.create_model('test_resnet', num_classes=10).state_dict().keys()
    assert weights.keys() <= names


@pytest.mark.parametrize('part', [True, False])
def test_the_card_loads_the_weights_where_no_library_does(part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cut = dict(type='mmdfkd.without_blocks', blocks=['model.layer1.0'], network=TIMM)
    _, student = exported(tmp_path, student=cut if part else None)
    write_safetensors(student, Output(tmp_path / 'model.safetensors'), None)
    text = card(student, Written(['model.safetensors'], 'float32'))
    scope: dict = {}
    exec(text.split('```python\n')[1].split('```')[0], scope)
    pixels = torch.rand(2, *student.image_shape)
    of_card = scope['network']
    assert torch.equal(container_logits(of_card(pixels)), container_logits(student.network(pixels)))


def test_timm_is_told_of_a_crop(tmp_path):
    _, student = exported(tmp_path, student=TIMM)
    student.resize = [dict(type='ResizeEdge', scale=40), dict(type='CenterCrop', crop_size=32)]
    described = json.loads((written(tmp_path, student) / 'config.json').read_text())
    given = described['pretrained_cfg']
    assert (given['crop_pct'], given['crop_mode']) == (0.8, 'center')


@pytest.mark.parametrize(
    ('steps', 'words'),
    [
        (
            [dict(type='ResizeEdge', scale=20, interpolation='bicubic'), dict(type='CenterCrop')],
            ('bicubic', 0.8, 'center'),
        ),
        (
            [dict(type='Resize', scale=(30, 20), interpolation='area'), dict(type='CenterCrop')],
            ('box', 0.8, 'squash'),
        ),
        ([dict(type='Resize', scale=(24, 16), interpolation='lanczos')], ('lanczos', 1, 'squash')),
    ],
)
def test_timm_does_to_sizes_what_the_run_did(tmp_path, steps, words):
    _, student = exported(tmp_path, student=TIMM)
    student.image_shape, student.resize = (3, 16, 24), steps
    described = json.loads((written(tmp_path, student) / 'config.json').read_text())
    given = described['pretrained_cfg']
    assert (given['interpolation'], given['crop_pct'], given['crop_mode']) == words
    image = Image.fromarray(np.random.default_rng(0).integers(256, size=(50, 80, 3), dtype='uint8'))
    config = timm.data.resolve_data_config({}, pretrained_cfg=given)
    resize, crop = timm.data.create_transform(**config).transforms[:2]
    assert crop(resize(image)).size == (24, 16)
    if words[2] == 'squash':
        assert resize(image).size == tuple(steps[0]['scale'])
    else:
        assert min(resize(image).size) == steps[0]['scale']


def test_timm_is_not_said_to_build_a_network_that_takes_bgr(tmp_path):
    _, student = exported(tmp_path, student=TIMM, **BGR)
    assert library_of(student) is None
    write_safetensors(student, Output(tmp_path / 'model.safetensors'), None)
    text = card(student, Written(['model.safetensors'], 'float32'))
    assert 'The network itself takes BGR' in text
    assert 'and turn RGB to BGR' in text
    assert 'config.json' not in text


def test_transformers_loads_the_folder(tmp_path):
    transformers = pytest.importorskip('transformers')
    transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=16,
        num_labels=10,
    ).save_pretrained(tmp_path / 'hub')
    network = dict(type='mmpretrain.HuggingFaceClassifier', model_name=str(tmp_path / 'hub'))
    distiller, student = exported(tmp_path, student=network)
    student.classes = tuple('abcdefghij')
    folder = written(tmp_path, student)
    model = transformers.AutoModelForImageClassification.from_pretrained(folder).eval()
    pixels = torch.rand(2, 3, 32, 32) * 255
    found = model(distiller.normalize(pixels)).logits
    torch.testing.assert_close(found, logits_of(distiller, pixels))
    assert model.config.id2label[1] == 'b'


@pytest.mark.parametrize(('channels', 'options'), [(1, {}), (3, {}), (3, BGR)])
def test_mmpretrains_inferencer_takes_files_of_any_size(tmp_path, channels, options):
    config = COLOUR if channels == 3 else 'configs/dedfkd_lenet5_mnist5k.py'
    distiller, student = exported(tmp_path, config, **options)
    student.classes = tuple('abcdefghij')
    files = [Output(tmp_path / name) for name in ('student.pth', 'student.py')]
    write_mmpretrain(student, *files)
    pixels = np.random.default_rng(0).integers(256, size=(32, 32, channels), dtype=np.uint8)
    image = Image.fromarray(pixels.squeeze())
    image.save(tmp_path / 'same.png')
    image.resize((64, 64), Image.Resampling.NEAREST).save(tmp_path / 'large.png')
    inferencer = ImageClassificationInferencer(*(str(file.path) for file in reversed(files)))
    same, large = inferencer([str(tmp_path / f'{name}.png') for name in ('same', 'large')])
    expected = logits_of(distiller, torch.from_numpy(pixels).permute(2, 0, 1)[None]).softmax(1)
    np.testing.assert_allclose(same['pred_scores'], expected[0].numpy(), atol=1e-5)
    assert same['pred_class'] == 'abcdefghij'[int(expected.argmax())]
    assert large['pred_scores'].shape == (10,)


def test_mmpretrain_needs_no_import_of_this_package(tmp_path):
    _, student = exported(tmp_path)
    assert student.classes is None
    write_mmpretrain(student, Output(tmp_path / 's.pth'), Output(tmp_path / 's.py'))
    script = f"""if True:
        import sys, mmpretrain
        assert 'mmdfkd' not in sys.modules
        model = mmpretrain.get_model({str(tmp_path / 's.py')!r}, {str(tmp_path / 's.pth')!r})
        print(type(model.backbone).__name__)
    """
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True)
    assert done.stdout.endswith('ThinResNet\n'), done.stderr


def test_a_network_that_mmpretrain_does_not_know_is_refused(tmp_path):
    _, student = exported(tmp_path)
    student.network = torch.nn.Flatten()
    with pytest.raises(ValueError, match=r'mmpretrain should know the student.* but got a Flatten'):
        check_mmpretrain(student)


def test_colour_files_become_grey_as_they_are_tested(tmp_path):
    student = SimpleNamespace(image_shape=(1, 8, 8), resize=[])
    grey = TRANSFORMS.build(forms._pipeline(student)[1])
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    same = grey.transform(dict(img=np.dstack([levels] * 3)))['img']
    assert np.array_equal(same, levels)
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    made = grey.transform(dict(img=colours))['img'].astype(int)
    wanted = cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY).astype(int)
    assert np.abs(made - wanted).max() <= 1
