import json
import re
import sys
from itertools import combinations
from pathlib import Path
from pickle import UnpicklingError

import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config
from mmengine.registry import DATASETS
from mmpretrain.structures import DataSample
from torch.utils.data import Dataset

from mmdfkd.datasets import LatentDataset
from mmdfkd.registry import MODELS

ROOT = Path(__file__).parents[3]
ROUNDS = (2, 4, 10)


@DATASETS.register_module()
class RankedDigits(Dataset):
    metainfo = dict(classes=[str(i) for i in range(10)])

    def __len__(self):
        return 40

    def __getitem__(self, index):
        draw = torch.Generator().manual_seed(index)
        image = torch.randint(256, (1, 4, 4), dtype=torch.uint8, generator=draw)
        image = image.repeat_interleave(8, 1).repeat_interleave(8, 2)
        return {'inputs': image, 'data_samples': DataSample().set_gt_label(index % 10)}


@pytest.fixture
def tool():
    pytest.importorskip('scipy')
    return load_tool('checkpoint_ranking/rank_checkpoints')


def accuracy_of(model):
    items = [RankedDigits()[i] for i in range(40)]
    logits = model.student(
        model.normalize(torch.stack([i['inputs'] for i in items]).float())
    ).logits
    labels = torch.cat([item['data_samples'].gt_label for item in items])
    return 100 * float((logits.argmax(1) == labels).float().mean())


def agreement_of(model, inputs, student):
    same = model.teacher(inputs).logits.argmax(1) == student(inputs).logits.argmax(1)
    return 100 * float(same.float().mean())


def synthesise(model, dataset, indices):
    items = [dataset[i] for i in indices]
    latents = torch.stack([item['latent'] for item in items])
    images = model.generator(latents, torch.tensor([item['label'] for item in items]))
    return model.normalize(images.round())


@pytest.fixture
def run(tmp_path):
    """A config, and a run of three checkpoints whose students grow alike to the teacher's."""
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    cfg.model.memory.capacity = 8
    cfg.model.student.network = cfg.model.teacher.network
    teacher = MODELS.build(cfg.model.teacher.network)
    images = torch.stack([RankedDigits()[i]['inputs'] for i in range(40)]).float()
    teacher.head.fc.weight.data *= 30
    teacher.head.fc.bias.data -= teacher((images - 33) / 79).mean(0)  # all classes occur
    torch.save(teacher.state_dict(), tmp_path / 'teacher.pth')
    cfg.model.teacher.checkpoint = str(tmp_path / 'teacher.pth')
    cfg.test_dataloader.dataset = dict(type='RankedDigits')
    cfg.dump(tmp_path / 'config.py')
    models, folder = [], tmp_path / 'run_1'
    folder.mkdir()
    for rounds in ROUNDS:
        model = MODELS.build(cfg.model).eval()
        model.init_weights()
        for own, target in zip(model.student.parameters(), teacher.parameters(), strict=True):
            own.data += rounds / 10 * (target.data - own.data)
        torch.save({'state_dict': model.state_dict(), 'meta': {}}, folder / f'iter_{rounds}.pth')
        models.append(model)
    (folder / 'last_checkpoint').write_text(f'/elsewhere/run_1/iter_{ROUNDS[-1]}.pth')
    return tmp_path / 'config.py', folder, models


@torch.no_grad()
def test_figures_and_tables_of_a_run(tool, run, tmp_path, monkeypatch, capsys):
    config, folder, models = run
    out = tmp_path / 'out.json'
    arguments = [str(config), str(folder), '--num', '30', '--seed', '5', '--json', str(out)]
    monkeypatch.setattr(sys, 'argv', ['rank', *arguments, '--cfg-options', 'model.kd_steps=1'])
    tool.main()
    found = json.loads(out.read_text())
    assert found['settings']['cfg_options'] == {'model.kd_steps': 1}
    assert (found['settings']['num'], found['settings']['seed']) == (30, 5)
    dataset = LatentDataset(10, 30, models[0].latent_dim, seed=5)
    pooled = torch.cat([synthesise(m, dataset, range(i, 30, 3)) for i, m in enumerate(models)])
    for row, rounds, model in zip(found['checkpoints'], ROUNDS, models, strict=True):
        assert (row['run'], row['iteration']) == ('run_1', rounds)
        assert row['accuracy/top1'] == pytest.approx(accuracy_of(model))
        own = synthesise(model, dataset, range(30))
        assert row['agreement/top1'] == pytest.approx(agreement_of(model, own, model.student))
        assert row['pool/top1'] == pytest.approx(agreement_of(model, pooled, model.student))
        logits = [net(pooled).logits.log_softmax(1) for net in (model.teacher, model.student)]
        divergence = (logits[0].exp() * (logits[0] - logits[1])).sum(1).mean()
        assert row['pool/kl'] == pytest.approx(float(divergence), rel=1e-3, abs=1e-5)
    assert found['checkpoints'][0]['pool/kl'] > 0.01
    assert found['checkpoints'][-1]['pool/top1'] == 100
    assert len({row['accuracy/top1'] for row in found['checkpoints']}) > 1
    assert found['correlations']['iteration']['run_1']['spearman'] is not None
    last = found['checkpoints'][-1]
    assert found['chosen']['run_1']['last'] == {k: last[k] for k in ('iteration', 'accuracy/top1')}
    assert 'all' not in found['correlations']['iteration']
    printed = capsys.readouterr().out
    lines = [re.split(r' *\| *', line)[1:-1] for line in printed.splitlines()]
    assert lines[1][:3] == ['run', 'iteration', 'accuracy/top1']
    assert lines[3][:3] == ['run_1', '2', f'{found["checkpoints"][0]["accuracy/top1"]:.2f}']


def ranked(values):
    return [(sum(o < v for o in values) + sum(o <= v for o in values) + 1) / 2 for v in values]


def pearson(a, b):
    a, b = ([x - sum(values) / len(values) for x in values] for values in (a, b))
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5


def sign(value):
    return (value > 0) - (value < 0)


def test_correlations_as_by_hand(tool):
    figures, accuracies = [3.0, 1.0, 2.0, 2.0, 9.0], [50.0, 20.0, 40.0, 10.0, 45.0]
    rows = [{'figure': f, 'accuracy/top1': a} for f, a in zip(figures, accuracies, strict=True)]
    found = tool.correlate(rows, 'figure')
    assert found['spearman'] == pytest.approx(pearson(ranked(figures), ranked(accuracies)))
    signs = [
        (sign(f - g), sign(a - b))
        for (f, a), (g, b) in combinations(zip(figures, accuracies, strict=True), 2)
    ]
    dot = sum(s * t for s, t in signs)
    norms = (sum(s * s for s, _ in signs) * sum(t * t for _, t in signs)) ** 0.5
    assert found['kendall'] == pytest.approx(dot / norms)


def test_ranks_of_too_few_or_equal_values_say_nothing(tool):
    rows = [{'figure': float(i), 'accuracy/top1': float(i), 'same': 1.0} for i in range(3)]
    assert tool.correlate(rows, 'figure') == {'spearman': 1, 'kendall': 1}
    assert tool.correlate(rows[:2], 'figure') is None
    assert tool.correlate(rows, 'same') is None


def rows_of(run, top1s, accuracies):
    return [
        {'run': run, 'iteration': i, 'accuracy/top1': a}
        | {f'{family}/top1': t for family in ('agreement', 'pool')}
        | {f'{family}/kl': -t for family in ('agreement', 'pool')}
        for i, (t, a) in enumerate(zip(top1s, accuracies, strict=True))
    ]


def test_runs_are_ranked_each_and_together(tool):
    rows = rows_of('a', [1, 2, 3], [10.0, 20.0, 30.0]) + rows_of('b', [7, 9, 8], [1.0, 2.0, 3.0])
    summary = tool.summarise(rows)
    of = summary['correlations']['agreement/top1']
    assert of['a']['spearman'] == pytest.approx(1)
    assert of['b']['spearman'] == pytest.approx(0.5)
    assert of['all']['spearman'] < 0
    chosen = summary['chosen']['b']
    assert chosen['accuracy/top1'] == chosen['last'] == {'iteration': 2, 'accuracy/top1': 3.0}
    assert chosen['agreement/top1'] == chosen['pool/kl'] == {'iteration': 1, 'accuracy/top1': 2.0}
    assert '1 / 2.00' in tool.report(summary)
    assert '0.50 / 0.33' in tool.report(summary)


def test_runs_with_too_few_checkpoints_to_rank_are_told(tool):
    rows = rows_of('a', [1, 2], [10.0, 20.0]) + rows_of('b', [7, 9, 8], [1.0, 2.0, 3.0])
    message = 'at least 3 checkpoints to be ranked (- where it has not), but got 2 of a; train with'
    printed = tool.report(tool.summarise(rows))
    assert printed.count('at least 3') == 1
    assert f'{message} default_hooks.checkpoint.max_keep_ckpts=-1' in printed
    assert 'at least 3' not in tool.report(tool.summarise(rows[2:]))


def test_of_equal_figures_the_latest_is_chosen(tool):
    chosen = tool.choose(rows_of('a', [5, 5, 4], [10.0, 30.0, 20.0]))
    assert chosen['agreement/top1']['iteration'] == chosen['pool/kl']['iteration'] == 1


def test_choosing_needs_no_real_image(tool, run, tmp_path):
    config, folder, _ = run
    cfg = Config.fromfile(config)
    cfg.pop('test_dataloader')
    summary = tool.summarise(tool.measure(cfg, [folder], 12, 0, data_free=True))
    assert set(summary) == {'checkpoints', 'chosen'}
    assert summary['chosen']['run_1']['pool/kl'] == {'iteration': 10}
    assert 'accuracy/top1' not in summary['checkpoints'][0]
    assert 'correlation' not in tool.report(summary)


def test_a_checkpoint_that_is_being_written_is_left_out(tool, tmp_path):
    for name in ('iter_10.pth', 'iter_9.pth', 'iter_20.pth', 'best_accuracy_top1_iter_9.pth'):
        (tmp_path / name).write_bytes(b'half')
    (tmp_path / 'last_checkpoint').write_text('work_dirs/x/iter_10.pth')
    found = tool.whole_checkpoints(tmp_path)
    assert found == [(9, tmp_path / 'iter_9.pth'), (10, tmp_path / 'iter_10.pth')]


def test_a_run_without_checkpoints(tool, tmp_path):
    (tmp_path / 'iter_10.pth').write_bytes(b'half')
    with pytest.raises(FileNotFoundError, match='should hold checkpoints iter_'):
        tool.whole_checkpoints(tmp_path)


def test_a_malicious_checkpoint_is_refused(tool, malicious, proves_malice, tmp_path):
    payload, proof = malicious
    torch.save({'state_dict': {}, 'meta': payload}, tmp_path / 'iter_1.pth')
    with pytest.raises(UnpicklingError, match='could run code'):
        tool.load(None, tmp_path / 'iter_1.pth')
    assert not proof.exists()
    proves_malice(payload, proof)
