import pytest
import torch
from mmengine.fileio import LocalBackend
from mmengine.optim import OneCycleLR
from toy_run import toy_runner

from mmdfkd.engine.hooks import AtomicCheckpointHook

CHECKPOINT = dict(
    checkpoint=dict(type=AtomicCheckpointHook, by_epoch=False, interval=1, max_keep_ckpts=2)
)


class Killed(BaseException):
    pass


def run(work_dir, **kwargs):
    runner = toy_runner(work_dir, max_iters=4, default_hooks=CHECKPOINT, **kwargs)
    runner.train()
    return torch.load(work_dir / 'iter_4.pth', weights_only=True)['state_dict']


def die_half_way_through(name, monkeypatch):
    whole = LocalBackend.put

    def put(self, obj, filepath):
        if name in str(filepath):
            whole(self, obj[: len(obj) // 2], filepath)
            raise Killed
        whole(self, obj, filepath)

    monkeypatch.setattr(LocalBackend, 'put', put)


def test_a_run_killed_while_it_saves_resumes_from_the_checkpoint_before(tmp_path, monkeypatch):
    expected = run(tmp_path / 'whole')
    with monkeypatch.context() as patch:
        die_half_way_through('iter_3.pth', patch)
        with pytest.raises(Killed):
            run(tmp_path / 'killed')
    assert not (tmp_path / 'killed/iter_3.pth').exists()
    resumed = run(tmp_path / 'killed', resume=True)
    assert resumed.keys() == expected.keys()
    for key, value in expected.items():
        assert value.equal(resumed[key]), key
    left = {path.name for path in (tmp_path / 'killed').glob('iter_*')}
    assert left == {'iter_3.pth', 'iter_4.pth'}  # no .part


@pytest.mark.parametrize('text', [None, ''])
def test_a_lost_name_of_the_newest_checkpoint_is_found(tmp_path, text):
    run(tmp_path)
    (tmp_path / 'iter_4.pth').unlink()
    marker = tmp_path / 'last_checkpoint'
    marker.unlink() if text is None else marker.write_text(text)
    runner = toy_runner(tmp_path, max_iters=4, default_hooks=CHECKPOINT, resume=True)
    runner.call_hook('before_run')
    runner.load_or_resume()
    assert runner.iter == 3
    assert marker.read_text() == str(tmp_path / 'iter_3.pth')


def test_the_name_that_is_there_is_kept(tmp_path):
    run(tmp_path)
    marker = tmp_path / 'last_checkpoint'
    marker.write_text(str(tmp_path / 'iter_3.pth'))
    toy_runner(tmp_path, max_iters=4, default_hooks=CHECKPOINT).call_hook('before_run')
    assert marker.read_text() == str(tmp_path / 'iter_3.pth')


def test_a_storage_that_the_user_names_is_used():
    assert AtomicCheckpointHook(backend_args={'backend': 'local'}).backend_args == {
        'backend': 'local'
    }


def test_a_run_in_rounds_is_not_saved_by_epochs(tmp_path):
    """MMEngine's default: nothing was saved before the end."""
    hooks = dict(checkpoint=dict(type=AtomicCheckpointHook, interval=1))
    with pytest.raises(ValueError, match='by_epoch of the checkpoint hook should be False'):
        toy_runner(tmp_path, max_iters=1, default_hooks=hooks).train()


def test_schedules_whose_state_cannot_be_read_are_refused(tmp_path):
    """OneCycleLR pickles a function, and a checkpoint of hours could not be resumed."""
    cycle = dict(type=OneCycleLR, eta_max=0.1, total_steps=4, by_epoch=False)
    schedules = dict(generator=[], student=[cycle])
    runner = toy_runner(tmp_path, 4, default_hooks=CHECKPOINT, param_scheduler=schedules)
    with pytest.raises(ValueError, match='plain data, but that of OneCycleLR is not'):
        runner.train()
