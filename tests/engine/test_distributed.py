import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy import toy_dedfkd
from toy_run import Digits
from two_processes import METHODS, ROUNDS, train_on_shares

from mmdfkd.engine.distributed import join_processes

TESTS = Path(__file__).parents[1]
cpu_only = pytest.mark.skipif(
    torch.cuda.is_available(), reason='the CPU path; a GPU takes MMEngine’s'
)


@pytest.fixture(scope='module')
def both(tmp_path_factory):
    """What each of two processes has in the end."""
    folder = tmp_path_factory.mktemp('two_processes')
    launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2']
    done = subprocess.run(
        [sys.executable, *launch, str(TESTS / 'two_processes.py'), str(folder)],
        env=os.environ | {'PYTHONPATH': f'{TESTS.parent}:{TESTS}', 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [torch.load(folder / f'rank_{rank}.pth', weights_only=True) for rank in (0, 1)]


@cpu_only
@pytest.mark.parametrize('name', METHODS)
def test_two_halves_of_a_batch_are_one_whole(both, name):
    whole = train_on_shares(name)
    for half in both:
        for key, value in whole['state'].items():
            found = half[name]['state'][key]
            if key == 'memory.images':
                assert (found.int() - value.int()).abs().max() <= 1
            else:
                torch.testing.assert_close(found, value, rtol=1e-6, atol=1e-7)
        assert len(half[name]['logs']) == ROUNDS
        for log, expected in zip(half[name]['logs'], whole['logs'], strict=True):
            assert log.keys() == expected.keys()
            torch.testing.assert_close(log, expected, rtol=1e-6, atol=1e-7)


@cpu_only
def test_processes_make_images_of_their_own_and_share_all_else(both):
    first, second = (rank['whole'] for rank in both)
    assert (
        first['state'].keys() == second['state'].keys() == {*toy_dedfkd(num_views=2).state_dict()}
    )
    assert all(value.equal(second['state'][key]) for key, value in first['state'].items())
    assert first['figures'] == second['figures']
    latents = torch.cat([rank['whole']['latents'] for rank in both])
    assert len(latents.unique(dim=0)) == len(latents) == 2 * 6 * 2 * 6  # ranks, rounds, steps, N
    fresh = first['state']['memory.images'][:12]  # in the ring's order a round is six, then six
    assert not fresh[:6].equal(fresh[6:])


@cpu_only
def test_resume_is_exact_in_every_process(both):
    for rank in both:
        whole, resumed = rank['whole'], rank['resumed']
        for part in ('state', 'averages'):
            assert whole[part].keys() == resumed[part].keys()
            for key, value in whole[part].items():
                assert value.equal(resumed[part][key]), key
        torch.testing.assert_close(resumed['optimizer'], whole['optimizer'], rtol=0, atol=0)
        assert whole['optimizer']['student']['state']
        assert int(whole['state']['memory.num_added.count']) == 6 * 12


@cpu_only
def test_the_teachers_accuracy_is_that_on_all_images(both):
    model = toy_dedfkd().eval()
    state = both[0]['whole']['state']
    model.teacher.load_state_dict(
        {k.removeprefix('teacher.'): v for k, v in state.items() if k.startswith('teacher.')}
    )
    right = 0
    for sample in [Digits()[index] for index in range(len(Digits()))]:
        inputs = (sample['inputs'][None].float() - 100) / 50
        right += int(model.teacher(inputs).logits.argmax()) == int(sample['data_samples'].gt_label)
    accuracy = both[0]['whole']['figures']['val/teacher/accuracy/top1']
    assert accuracy == pytest.approx(100 * right / len(Digits()))


@pytest.mark.parametrize(
    ('launcher', 'variables'),
    [
        ('slurm', ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID')),
        (
            'mpi',
            ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
        ),
    ],
)
def test_slurm_and_mpi_join_without_a_gpu(monkeypatch, launcher, variables):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'):
        monkeypatch.setenv(name, '5')  # whatever was there before
    for name, value in zip(variables, '010', strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv('MASTER_ADDR', '127.0.0.1')
    monkeypatch.setenv('MASTER_PORT', '0')  # any free one
    join_processes(launcher)
    try:
        assert torch.distributed.get_backend() == 'gloo'
        assert torch.distributed.get_world_size() == 1
        assert os.environ['LOCAL_RANK'] == '0'
    finally:
        torch.distributed.destroy_process_group()


def test_a_launcher_wants_its_own_environment(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.delenv('SLURM_PROCID', raising=False)
    with pytest.raises(ValueError, match=r'--launcher slurm should find .*SLURM_PROCID'):
        join_processes('slurm')
    join_processes('none')
