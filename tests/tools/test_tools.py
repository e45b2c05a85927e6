import copy
import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import mmengine
import mmpretrain
import pytest
import timm
import torch
from load_tool import load_tool
from mmengine.config import Config, ConfigDict
from mmengine.optim import OptimWrapper

from mmdfkd.datasets import MemoryDataset
from mmdfkd.engine.amp import enable_amp
from mmdfkd.registry import MODELS

ROOT = Path(__file__).parents[2]


def arguments(**given):
    defaults = dict(
        config='configs/dedfkd_lenet5_mnist5k.py',
        work_dir=None,
        rounds=None,
        resume=None,
        amp=False,
        no_validate=False,
        auto_scale_lr=False,
        cfg_options=None,
        launcher='none',
    )
    return Namespace(**(defaults | given))


def merged(**given):
    args = arguments(**given)
    return load_tool('train').merge_args(Config.fromfile(ROOT / args.config), args)


def test_work_dir_is_the_configs_name_by_default():
    assert merged().work_dir == 'work_dirs/dedfkd_lenet5_mnist5k'
    assert merged(work_dir='elsewhere').work_dir == 'elsewhere'


def test_resume_takes_a_path_or_finds_one():
    assert (merged().resume, merged().load_from) == (False, None)
    assert (merged(resume='auto').resume, merged(resume='auto').load_from) == (True, None)
    assert merged(resume='iter_5.pth').load_from == 'iter_5.pth'


@pytest.mark.parametrize(
    'given',
    [
        dict(rounds=5, cfg_options={'train_cfg.max_iters': 4}),
        dict(work_dir='a', cfg_options={'work_dir': 'b'}),
    ],
)
def test_an_option_does_not_contradict_an_argument(given):
    with pytest.raises(ValueError, match=r'--cfg-options should leave (.*) to --.*, but got \1='):
        merged(**given)
    del given['work_dir' if 'work_dir' in given else 'rounds']
    merged(**given)


@pytest.mark.parametrize('key', ['work_dir', 'load_from'])
def test_a_test_takes_folder_and_weights_of_its_arguments(key, monkeypatch):
    config = str(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    monkeypatch.setattr(sys, 'argv', ['test', config, 'a.pth', '--cfg-options', f'{key}=b'])
    with pytest.raises(ValueError, match=rf'should leave {key} to .*, but got {key}=b; leave it'):
        load_tool('test').main()


def test_where_auto_finds_no_run_the_weights_to_begin_with_stay(tmp_path):
    given = dict(resume='auto', work_dir=str(tmp_path), cfg_options={'load_from': 'a.pth'})
    cfg = merged(**given)
    assert (cfg.resume, cfg.load_from) == (False, 'a.pth')
    (tmp_path / 'iter_5.pth').touch()
    cfg = merged(**given)
    assert (cfg.resume, cfg.load_from) == (True, None)


def test_no_validate_leaves_validation_out():
    cfg = merged(no_validate=True)
    assert cfg.val_cfg is cfg.val_dataloader is cfg.val_evaluator is None


def test_rounds_are_the_length_and_nothing_else():
    plain, cfg = merged().to_dict(), merged(rounds=1200).to_dict()
    assert cfg['train_cfg'].pop('max_iters') == 1200
    assert plain['train_cfg'].pop('max_iters') == 1000
    assert cfg == plain


def test_a_shorter_run_validates_and_logs_as_often():
    runs = [merged(rounds=rounds) for rounds in (1000, 100, 2)]
    assert [cfg.train_cfg.val_interval for cfg in runs] == [250, 25, 1]
    assert [cfg.default_hooks.logger.interval for cfg in runs] == [50, 5, 1]
    assert [cfg.log_processor.window_size for cfg in runs] == [50, 5, 1]


@pytest.mark.parametrize(
    ('own', 'rounds', 'message'),
    [
        (dict(max_iters=0), 5, 'train_cfg.max_iters should be a whole number over 0, but got 0'),
        (dict(val_interval='x'), 5, r"train_cfg.val_interval should be .*, but got 'x'"),
    ],
)
def test_a_length_of_the_configs_own_that_is_none_is_an_error(own, rounds, message):
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    cfg.train_cfg.update(own)
    with pytest.raises(ValueError, match=message):
        load_tool('train').merge_args(cfg, arguments(rounds=rounds))


def test_a_run_without_a_validation_takes_rounds():
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    del cfg.train_cfg['val_interval']
    cfg = load_tool('train').merge_args(cfg, arguments(rounds=5, no_validate=True))
    assert 'val_interval' not in cfg.train_cfg
    assert cfg.train_cfg.max_iters == 5


def test_a_shorter_run_is_validated_on_the_images_that_it_has():
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    cfg.val_dataloader.dataset = dict(type=MemoryDataset, length=2000)
    lengths = []
    for rounds in (1000, 100, 4):  # validated every 250, 25 and 1
        short = load_tool('train').merge_args(copy.deepcopy(cfg), arguments(rounds=rounds))
        lengths.append(short.val_dataloader.dataset.length)
    assert lengths == [2000, 2000, 128]


def test_a_warm_up_as_long_as_the_run_is_an_error():
    config = 'configs/dedfkd_wrn162_wrn161_cifar10.py'
    for options in ({'train_cfg.max_iters': 70}, {'model.warmup_rounds': 620}):
        with pytest.raises(ValueError, match=r'student waits, .* shorten .* as --rounds does'):
            merged(config=config, cfg_options=options)
    assert merged(config=config, rounds=70).model.warmup_rounds == 35


@pytest.mark.parametrize(
    ('rounds', 'config', 'message'),
    [
        (0, 'dedfkd_lenet5_mnist5k', 'at least 1, but got 0'),
        (5, 'teachers/lenet5_mnist5k', 'trains for 40 epochs; set train_cfg.max_epochs'),
    ],
)
def test_rounds_that_do_not_fit_are_an_error(rounds, config, message):
    with pytest.raises(ValueError, match=message):
        merged(rounds=rounds, config=f'configs/{config}.py')


def with_gpu(monkeypatch, bfloat16):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda including_emulation: bfloat16)


PLAIN = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))


def with_amp(optim_wrapper):
    cfg = ConfigDict(model=dict(type='DEDFKD'), optim_wrapper=optim_wrapper)
    enable_amp(cfg)
    return cfg.optim_wrapper


def test_amp_visits_every_wrapper(monkeypatch):
    with_gpu(monkeypatch, bfloat16=True)
    cfg = merged(amp=True)
    for key in ('generator', 'student'):
        assert cfg.optim_wrapper[key]['type'] == 'AmpOptimWrapper'
    assert with_amp(PLAIN)['type'] == 'AmpOptimWrapper'


@pytest.mark.parametrize(
    ('config', 'key'),
    [
        ('cmi/cmi_wrn402_wrn161_cifar10', 'head'),
        ('fast_datafree/fast_datafree_wrn402_wrn161_cifar10', 'generator'),
    ],
)
def test_amp_leaves_an_inversion_in_full_precision(monkeypatch, config, key):
    with_gpu(monkeypatch, bfloat16=True)
    cfg = merged(amp=True, config=f'configs/{config}.py')
    assert cfg.optim_wrapper.student.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper[key].type is OptimWrapper
    assert 'dtype' not in cfg.optim_wrapper[key]


@pytest.mark.parametrize(
    ('bfloat16', 'own', 'dtype', 'loss_scale'),
    [
        (True, {}, 'bfloat16', {'enabled': False}),
        (False, {}, 'float16', 'dynamic'),
        (True, {'dtype': 'float16'}, 'float16', 'dynamic'),
        (False, {'dtype': torch.bfloat16}, torch.bfloat16, {'enabled': False}),
        (True, {'loss_scale': 512.0}, 'bfloat16', 512.0),
    ],
)
def test_amp_scales_the_loss_of_float16_only(monkeypatch, bfloat16, own, dtype, loss_scale):
    with_gpu(monkeypatch, bfloat16)
    wrapper = with_amp(PLAIN | own)
    assert (wrapper.dtype, wrapper.loss_scale) == (dtype, loss_scale)


def test_amp_leaves_what_is_no_wrapper(monkeypatch):
    with_gpu(monkeypatch, True)
    wrappers = with_amp(dict(student=PLAIN, paramwise_cfg=dict(norm_decay_mult=0.0)))
    assert wrappers.student.type == 'AmpOptimWrapper'
    assert wrappers.paramwise_cfg == dict(norm_decay_mult=0.0)


def test_amp_goes_by_the_options_of_the_command(monkeypatch):
    with_gpu(monkeypatch, bfloat16=True)
    cfg = merged(amp=True, cfg_options={'optim_wrapper.student.dtype': 'float16'})
    assert cfg.optim_wrapper.student.loss_scale == 'dynamic'
    assert cfg.optim_wrapper.generator.dtype == 'bfloat16'
    with pytest.raises(ValueError, match=r'optim_wrapper\.student\.type'):
        merged(amp=True, cfg_options={'optim_wrapper.student.type': 'OptimWrapper'})


def test_amp_without_a_gpu_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match='torch sees none'):
        merged(amp=True)


def test_auto_scale_lr_wants_a_base_batch_size():
    with pytest.raises(ValueError, match='base_batch_size'):
        merged(auto_scale_lr=True)
    cfg = merged(auto_scale_lr=True, config='configs/dedfkd_r34_r18_cifar10.py')
    assert cfg.auto_scale_lr.enable


def distilled(tmp_path, config='configs/dedfkd_lenet5_mnist5k.py', student=None):
    """A checkpoint of an untrained distiller, and the config that fits it."""
    cfg = Config.fromfile(ROOT / config)
    if student is not None:
        cfg.model.student.network = student
    teacher = tmp_path / 'teacher.pth'
    torch.save(MODELS.build(cfg.model.teacher.network).state_dict(), teacher)
    cfg.model.teacher.checkpoint = str(teacher)
    model = MODELS.build(cfg.model)
    model.init_weights()
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, tmp_path / 'iter_1.pth')
    cfg.dump(tmp_path / 'config.py')
    return model.eval(), tmp_path / 'config.py', tmp_path / 'iter_1.pth'


def test_published_student_loads_in_mmpretrain(tmp_path):
    model, config, checkpoint = distilled(tmp_path)
    out = tmp_path / 'student.pth'
    load_tool('publish_student').publish(str(config), str(checkpoint), out)
    described = Config.fromfile(out.with_suffix('.py'))
    student = mmpretrain.get_model(described, pretrained=str(out)).eval()
    inputs = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(student(inputs), model(inputs))
    assert out.stat().st_size < 200_000  # 45 thousand values would be a teacher's


def test_published_student_loads_in_timm(tmp_path):
    network = dict(
        type='mmpretrain.TimmClassifier', model_name='test_resnet', num_classes=10, in_chans=1
    )
    model, config, checkpoint = distilled(tmp_path, student=network)
    out = tmp_path / 'student.pth'
    load_tool('publish_student').publish(str(config), str(checkpoint), out)
    options = dict(num_classes=10, in_chans=1)
    inputs = torch.randn(2, 1, 32, 32)
    student = timm.create_model('test_resnet', **options, checkpoint_path=str(out)).eval()
    torch.testing.assert_close(student(inputs), model(inputs))
    student = timm.create_model('test_resnet', **options).eval()
    student.load_state_dict(torch.load(out)['state_dict'])
    torch.testing.assert_close(student(inputs), model(inputs))


def test_publishing_a_file_without_a_student_is_an_error(tmp_path):
    torch.save({'state_dict': {'backbone.weight': torch.zeros(1)}}, tmp_path / 'other.pth')
    config = str(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    publish = load_tool('publish_student').publish
    with pytest.raises(ValueError, match=r"begin with 'student.network.'"):
        publish(config, str(tmp_path / 'other.pth'), tmp_path / 'out.pth')


def test_a_student_that_diverged_is_not_published(tmp_path):
    weights = {'student.network.fc.weight': torch.tensor([1.0, float('nan')])}
    torch.save({'state_dict': weights}, tmp_path / 'nan.pth')
    config = str(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    with pytest.raises(ValueError, match=r'nan\.pth should be finite, but fc\.weight hold'):
        load_tool('publish_student').publish(
            config, str(tmp_path / 'nan.pth'), tmp_path / 'out.pth'
        )
    assert not (tmp_path / 'out.pth').exists()


def test_test_tool_reports_student_and_teacher(tmp_path):
    pytest.importorskip('mlxtend')
    _, config, checkpoint = distilled(tmp_path)
    test = [sys.executable, str(ROOT / 'tools/test.py'), str(config), str(checkpoint)]
    where = ['--work-dir', str(tmp_path / 'work'), '--out', str(tmp_path / 'metrics.json')]
    done = subprocess.run([*test, *where], capture_output=True, text=True, check=True)
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert 0 <= metrics['accuracy/top1'] <= 100
    assert 0 <= metrics['teacher/accuracy/top1'] <= 100
    row = f'{metrics["teacher/accuracy/top1"]:10.2f}{metrics["accuracy/top1"]:10.2f}'
    assert f'accuracy/top1{"":11}{row}' in done.stdout + done.stderr
    # In the run's own folder it leaves the run's config.
    before = config.read_bytes()
    subprocess.run([*test, '--work-dir', str(config.parent)], capture_output=True, check=True)
    assert config.read_bytes() == before


def test_what_resume_goes_on_from_is_said_once():
    with pytest.raises(ValueError, match='should leave load_from to --resume'):
        merged(resume='newest', cfg_options={'load_from': 'a.pth'})


def test_metrics_that_are_tensors_can_be_written(tmp_path):
    metrics = {'confusion': torch.tensor([[2, 0], [1, 1]]), 'accuracy': 75.0}
    mmengine.dump(load_tool('test').plain(metrics), tmp_path / 'm.json')
    assert mmengine.load(tmp_path / 'm.json') == {'confusion': [[2, 0], [1, 1]], 'accuracy': 75.0}
