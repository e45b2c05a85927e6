import argparse

import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config

from mmdfkd.registry import MODELS

SCRIPT = """#!/bin/bash
# python datafree_kd.py is run from here
python datafree_kd.py --g_steps 2 --teacher resnet34 --student resnet18 --adv 1.5

python datafree_kd.py --g_steps 5 --teacher resnet34 --student resnet18 --adv 1.5
python datafree_kd.py --g_steps 5 --adv 1.25
"""


@pytest.fixture(scope='module')
def tool():
    return load_tool('peer_benchmark/benchmark_peer')


@pytest.fixture(scope='module')
def peer_tool():
    return load_tool('peer_benchmark/fast_datafree')


@pytest.fixture
def peer_parser():
    parser = argparse.ArgumentParser()
    parser.add_argument('--g_steps', type=int)
    parser.add_argument('--teacher', default='wrn40_2')
    parser.add_argument('--student', default='wrn16_1')
    parser.add_argument('--adv', type=float)
    return parser


def figures(generator, student, once=0.0, memory=100.0):
    return dict(
        generator_step_ms=generator,
        once_a_round_ms=once,
        student_step_ms=student,
        peak_memory_mib=memory,
        import_memory_mib=50.0,
        parameters=[7, 3],
    )


def test_least_times_and_largest_memory_of_the_repeats_count(tool):
    best = tool.combine([figures(30.0, 8.0, memory=100.0), figures(20.0, 10.0, memory=120.0)], 5)
    assert best['generator_step_ms'] == 20
    assert best['student_step_ms'] == 8
    assert best['peak_memory_mib'] == 120


def test_epoch_equivalent_is_one_synthesis_and_400_student_steps(tool):
    best = tool.combine([figures(200.0, 10.0, once=500.0)], g_steps=5)
    assert best['epoch_s'] == pytest.approx((5 * 200 + 500 + 400 * 10) / 1e3)


def test_table_has_the_peers_figure_over_ours(tool):
    peer = tool.combine([figures(30.0, 20.0, once=9.0) | {'worker_memory_mib': 60.0}], 1)
    lines = tool.table({'peer': peer, 'ours': tool.combine([figures(20.0, 5.0)], 1)}).splitlines()
    assert lines[:2] == ['| | peer | ours |', '|---|---|---|']
    assert '| generator step, ms | 30 | 20 (1.50) |' in lines
    assert '| student step, ms | 20 | 5 (4.00) |' in lines
    assert '| once a round, ms | 9 | - |' in lines
    assert '| peak memory of a data worker, MiB | 60 | - |' in lines


def test_columns_differ_whatever_the_configs_have_on(tool):
    for pair in tool.PAIRS:
        models = []
        for options in tool.VARIANTS.values():
            cfg = Config.fromfile(tool.CONFIGS / f'{pair}.py')
            memory = MODELS.build(tool.vary(cfg, options, batch_size=4).model.memory)
            models.append((cfg.model.channels_last, getattr(memory, 'num_views', 0)))
        assert models == [(False, 0), (True, 0), (False, 4), (True, 4)]


def test_other_networks_are_an_error(tool):
    results = {'peer': figures(1.0, 1.0), 'ours': figures(1.0, 1.0)}
    tool.check_networks(results)
    results['ours']['parameters'] = [7, 4]
    with pytest.raises(ValueError, match=r'same parameters, but got .*\[7, 4\]'):
        tool.check_networks(results)


def test_folder_that_is_not_the_peers_is_an_error(tool, tmp_path):
    with pytest.raises(ValueError, match='should be a clone of Fast-Datafree, but got'):
        tool.check_peer(tmp_path)


def test_missing_package_of_the_peer_is_an_error(tool, tmp_path, monkeypatch):
    for name in ('datafree_kd.py', 'datafree/synthesis/fast_meta.py', 'scripts/fast_cifar.sh'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(tool.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'kornia should be installed.*\[peer\]'):
        tool.check_peer(tmp_path)


def test_pairs_have_configs(tool):
    for pair in tool.PAIRS:
        assert (tool.CONFIGS / f'{pair}.py').is_file()


def test_options_are_those_of_the_peers_script(peer_tool, peer_parser):
    names = dict(teacher='resnet34', student='resnet18')
    options = peer_tool.published(peer_parser, SCRIPT, g_steps=5, **names)
    assert (options.g_steps, options.student, options.adv) == (5, 'resnet18', 1.5)
    names = dict(teacher='wrn40_2', student='wrn16_1')
    assert peer_tool.published(peer_parser, SCRIPT, g_steps=5, **names).adv == 1.25
    with pytest.raises(ValueError, match=r"should be those of a line .* but got {'g_steps': 3"):
        peer_tool.published(peer_parser, SCRIPT, g_steps=3, **names)


def test_parts_of_the_peers_rounds(peer_tool):
    spans = {  # a slow round, not counted, then one of 2 generator and 2 student steps
        'synthesize': [(0.0, 90.0), (100.0, 107.0)],
        'add': [(50.0, 60.0), (104.0, 105.0)],
        'sample': [(90.0, 91.0), (92.0, 93.0), (108.0, 109.5), (110.0, 110.1)],
        'train': [(90.0, 95.0), (108.0, 112.5)],
    }
    assert peer_tool.step_ms(spans, g_steps=2, kd_steps=2, warmup=1) == pytest.approx(
        {'generator_step_ms': 2000, 'once_a_round_ms': 3000 + 1500, 'student_step_ms': 1500}
    )


def test_clock_notes_calls_and_keeps_results(peer_tool):
    owner = argparse.Namespace(double=lambda value: 2 * value)
    spans = {'double': []}
    peer_tool.clock(spans, owner, 'double')
    assert owner.double(torch.tensor(2)) == 4
    ((start, end),) = spans['double']
    assert start <= end
