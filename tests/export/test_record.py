import json

import torch
from mmengine.config import Config
from toy_export import untrained_run

from mmdfkd.export import load_student
from mmdfkd.export.record import describe, record_of


def test_a_network_is_said_in_a_line():
    network = dict(type='mmpretrain.TimmClassifier', model_name='resnet18', pretrained=True)
    assert describe(network) == "TimmClassifier(model_name='resnet18')"
    network = dict(type=torch.nn.Sequential, depth=3, loss=dict(type='A'))
    assert describe(network) == 'Sequential(depth=3)'


def log(folder, *records, gpu=True):
    place = folder / '20260102_030405/vis_data/scalars.json'
    place.parent.mkdir(parents=True)
    place.write_text('\n'.join(map(json.dumps, records)))
    place.parents[1].joinpath('20260102_030405.log').write_text(
        f'System environment:\n    Python: 3.11.7 (main)\n    CUDA available: {gpu}\n'
        + ('    GPU 0: NVIDIA H100\n' if gpu else '')
        + '    PyTorch: 2.14.1\nRuntime environment:\n    GPU number: 1\n    CPU: AMD EPYC\n'
    )


def test_what_a_run_left_is_gathered(tmp_path):
    _, config, checkpoint = untrained_run(tmp_path)
    content = torch.load(checkpoint, weights_only=True)
    content['state_dict']['rounds.count'] = torch.tensor(20)
    checkpoint = tmp_path / 'iter_20.pth'
    torch.save(content, checkpoint)
    log(
        tmp_path,
        {'iter': 10, 'step': 10, 'time': 6.0},
        {'step': 10, 'accuracy/top1': 50.0},
        {'iter': 20, 'step': 20, 'time': 3.0},
        {'step': 20, 'accuracy/top1': 60.0, 'teacher/accuracy/top1': 90.0},
    )
    figures = dict(
        settings=dict(checkpoint='x/iter_20.pth'),
        measured=dict(hardware='a CPU'),
        num_fake=500,
        figures={'fidelity/fid': 12.5},
    )
    (tmp_path / 'figures.json').write_text(json.dumps(figures))
    of_another = figures | dict(settings=dict(checkpoint='x/iter_10.pth'))
    (tmp_path / 'robustness.json').write_text(json.dumps(of_another))
    record = load_student(Config.fromfile(config), checkpoint).record
    assert record['method'] == 'DEDFKD'
    assert record['teacher'].startswith('ImageClassifier(backbone=DAFLLeNet5()')
    assert (record['teacher_weights'], record['config']) == ('teacher.pth', 'config.py')
    assert (record['rounds'], record['images'], record['seed']) == (20, 40, 3)
    assert record['validation'] == {'accuracy/top1': 60.0, 'teacher/accuracy/top1': 90.0}
    assert record['figures'] == dict(values={'fidelity/fid': 12.5}, n=500, hardware='a CPU')
    assert 'robustness' not in record  # it is of another checkpoint
    assert record['minutes'] == 1.5
    assert record['hardware'] == 'NVIDIA H100'
    assert record['versions'] == {'Python': '3.11.7', 'PyTorch': '2.14.1'}


def test_without_a_gpu_the_processor_is_named(tmp_path):
    _, config, checkpoint = untrained_run(tmp_path)
    log(tmp_path, {'iter': 10, 'step': 10, 'time': 6.0}, gpu=False)
    assert load_student(Config.fromfile(config), checkpoint).record['hardware'] == 'AMD EPYC'


def test_a_checkpoint_without_its_logs_says_less(tmp_path):
    _, config, checkpoint = untrained_run(tmp_path)
    record = load_student(Config.fromfile(config), checkpoint).record
    assert not record.keys() & {'validation', 'minutes', 'hardware', 'versions'}


def test_a_librarys_weights_are_said_in_words(tmp_path):
    _, config, _ = untrained_run(tmp_path)
    cfg = Config.fromfile(config)
    cfg.model.teacher.pop('checkpoint')
    cfg.model.teacher.network.pretrained = True
    assert record_of(cfg, tmp_path / 'iter_1.pth', {}, {})['teacher_weights'] == 'of its library'


def test_attacks_and_means_of_corruptions_are_known_and_single_corruptions_not(tmp_path):
    _, config, checkpoint = untrained_run(tmp_path)
    content = torch.load(checkpoint, weights_only=True)
    content['state_dict']['rounds.count'] = torch.tensor(20)
    torch.save(content, tmp_path / 'iter_20.pth')
    log(tmp_path, {'iter': 20, 'step': 20, 'time': 3.0})
    robustness = dict(
        settings=dict(checkpoint='x/iter_20.pth', num=500),
        measured=dict(hardware='a CPU'),
        accuracy={name: {'student': 50.0, 'teacher': 90.0} for name in ('clean', 'fog/3', 'pgd/8')},
        means={'fog': {'student': 40.0, 'teacher': 80.0}},
    )
    (tmp_path / 'robustness.json').write_text(json.dumps(robustness))
    record = load_student(Config.fromfile(config), tmp_path / 'iter_20.pth').record
    assert record['robustness']['values'] == {'clean': 50.0, 'pgd/8': 50.0, 'fog': 40.0}
