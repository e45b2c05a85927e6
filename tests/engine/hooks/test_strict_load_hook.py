import pytest
import torch
from toy import toy_dedfkd, toy_network
from toy_run import toy_runner

from mmdfkd.engine.hooks import StrictLoadHook
from mmdfkd.models.classifiers import Classifier


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp('run')
    toy_runner(folder, 1, checkpoint_interval=1).train()
    return folder / 'iter_1.pth'


def strict(folder, checkpoint, **kwargs):
    runner = toy_runner(folder, 2, load_from=str(checkpoint), **kwargs)
    runner.register_hook(StrictLoadHook())
    return runner


def test_a_checkpoint_that_fits_is_loaded(checkpoint, tmp_path):
    runner = strict(tmp_path, checkpoint, resume=True)
    runner.train()
    assert runner.iter == 2


@pytest.mark.parametrize('resume', [True, False])
def test_another_network_s_is_an_error(checkpoint, tmp_path, resume):
    content = torch.load(checkpoint, weights_only=True)
    name, weight = next((k, v) for k, v in content['state_dict'].items() if 'generator' in k)
    content['state_dict'][name] = weight[:1]
    torch.save(content, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=rf'(?s)the config’s DEDFKD, but got .*{name}'):
        strict(tmp_path, tmp_path / 'other.pth', resume=resume).train()


def test_a_part_s_is_an_error(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    kept = {k: v for k, v in content['state_dict'].items() if not k.startswith('student.')}
    torch.save(content | {'state_dict': kept}, tmp_path / 'part.pth')
    with pytest.raises(ValueError, match=r'(?s)missing keys.*student\.'):
        strict(tmp_path, tmp_path / 'part.pth').train()


# A run that begins with load_from.


def initial(folder, file, **kwargs):
    runner = toy_runner(folder, 2, load_from=str(file), **kwargs)
    runner.register_hook(StrictLoadHook(initial=True))
    runner.load_or_resume()
    return runner.model


def assert_same_part(model, file, part):
    weights = torch.load(file, weights_only=True)['state_dict']
    for name, value in getattr(model, part).state_dict(prefix=f'{part}.').items():
        assert value.equal(weights[name]), name


def test_a_run_begins_with_another_s_weights(checkpoint, tmp_path):
    model = initial(tmp_path, checkpoint)
    for part in ('student', 'generator', 'memory'):
        assert_same_part(model, checkpoint, part)


def test_a_run_with_another_s_weights_has_its_own_warm_up(checkpoint, tmp_path):
    """It went on counting the other run's rounds, and had none."""
    model = initial(tmp_path, checkpoint, model=toy_dedfkd(warmup_rounds=1))
    assert int(model.rounds) == 0
    assert model.warming_up


def test_a_published_student_is_loaded(checkpoint, tmp_path):
    """Nothing of it was, with a warning."""
    weights = torch.load(checkpoint, weights_only=True)['state_dict']
    prefix = 'student.network.'
    student = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    torch.save({'state_dict': student, 'meta': {'mmdfkd_version': '0'}}, tmp_path / 'student.pth')
    fresh = toy_dedfkd()
    model = initial(tmp_path, tmp_path / 'student.pth', model=fresh)
    assert_same_part(model, checkpoint, 'student')
    assert len(model.memory) == 0


@pytest.mark.parametrize(
    'memory', [dict(capacity=9), dict(num_views=2), dict(memory=None)], ids=str
)
def test_a_memory_of_another_kind_begins_empty(checkpoint, tmp_path, memory):
    """Of another size it said that it was full, and was black."""
    model = initial(tmp_path, checkpoint, model=toy_dedfkd(**memory))
    assert_same_part(model, checkpoint, 'student')
    assert_same_part(model, checkpoint, 'generator')
    if model.memory is not None:
        assert len(model.memory) == int(model.memory.num_added) == 0


def test_labels_of_another_run_are_not_taken(tmp_path):
    """Views and teacher may be others: the student learned labels of images it did not see."""
    toy_runner(tmp_path, 1, model=toy_dedfkd(num_views=2), checkpoint_interval=1).train()
    model = initial(tmp_path, tmp_path / 'iter_1.pth', model=toy_dedfkd(num_views=2))
    assert_same_part(model, tmp_path / 'iter_1.pth', 'student')
    assert len(model.memory) == model.memory.logits.count_nonzero() == 0


@pytest.mark.parametrize('first', ['file', 'module'])
@pytest.mark.parametrize('second', ['file', 'module'])
def test_a_run_begins_with_its_own_teacher(tmp_path, first, second):
    """That of the other run took its place in silence, and left again on resume."""

    def model(way, seed):
        teacher = teacher_file(tmp_path / f'{seed}.pth', seed=seed)
        return toy_dedfkd(teacher=teacher if way == 'file' else Classifier(teacher.network))

    toy_runner(tmp_path, 1, model=model(first, 1), checkpoint_interval=1).train()
    own = model(second, 2)
    expected = {name: value.clone() for name, value in own.teacher.state_dict().items()}
    begun = initial(tmp_path, tmp_path / 'iter_1.pth', model=own)
    assert_same_part(begun, tmp_path / 'iter_1.pth', 'student')
    for name, value in begun.teacher.state_dict().items():
        assert value.equal(expected[name]), name


def test_a_teacher_that_was_none_of_a_file_is_compared(tmp_path):
    runner = toy_runner(tmp_path, 1, checkpoint_interval=1)
    runner.train()
    model = toy_dedfkd(teacher=teacher_file(tmp_path / 'teacher.pth', seed=1))
    with pytest.raises(ValueError, match='should have the weights that the checkpoint was made'):
        strict(tmp_path, tmp_path / 'iter_1.pth', model=model, resume=True).load_or_resume()


def test_weights_of_another_network_are_no_beginning(checkpoint, tmp_path):
    torch.save({'a': torch.ones(1)}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='should be of the config’s DEDFKD'):
        initial(tmp_path, tmp_path / 'a.pth')


@pytest.mark.parametrize('hook', [{}, {'initial': True}])
def test_a_student_that_diverged_is_refused(checkpoint, tmp_path, hook):
    content = torch.load(checkpoint, weights_only=True)
    content['state_dict']['student.network.0.bias'][0] = float('nan')
    torch.save(content, tmp_path / 'nan.pth')
    runner = toy_runner(tmp_path, 2, load_from=str(tmp_path / 'nan.pth'))
    runner.register_hook(StrictLoadHook(**hook))
    with pytest.raises(ValueError, match=r'should be finite, but student\.network\.0\.bias hold'):
        runner.load_or_resume()


def test_weights_alone_are_nothing_to_go_on_from(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    torch.save({'state_dict': content['state_dict']}, tmp_path / 'weights.pth')
    with pytest.raises(ValueError, match=r"without \['message_hub', 'meta', 'optimizer'\]"):
        strict(tmp_path, tmp_path / 'weights.pth', resume=True).train()


def teacher_file(path, seed=0):
    torch.manual_seed(seed)
    torch.save(toy_network(6).state_dict(), path)
    return Classifier(toy_network(6), checkpoint=str(path))


@pytest.mark.parametrize('ways', ['file', 'module'])
def test_a_run_goes_on_with_the_teacher_that_it_began_with(tmp_path, ways):
    """A changed file was not noticed."""
    path = tmp_path / 'teacher.pth'
    runner = toy_runner(
        tmp_path, 1, checkpoint_interval=1, model=toy_dedfkd(teacher=teacher_file(path))
    )
    runner.train()
    weights = torch.load(tmp_path / 'iter_1.pth', weights_only=True)['state_dict']
    assert [name for name in weights if name.startswith('teacher')] == ['teacher_sha256']

    def resumed(teacher):
        if ways == 'module':  # a teacher that has no file, in the config's place
            teacher = Classifier(teacher.network)
        model = toy_dedfkd(teacher=teacher)
        return strict(tmp_path, tmp_path / 'iter_1.pth', model=model, resume=True)

    same = teacher_file(path)
    resumed(same).load_or_resume()
    with pytest.raises(ValueError, match=r'should have the weights that the checkpoint was made'):
        resumed(teacher_file(path, seed=1)).load_or_resume()


def test_a_checkpoint_without_a_digest_goes_on(tmp_path):
    """An older one."""
    model = toy_dedfkd(teacher=teacher_file(tmp_path / 'teacher.pth'))
    state = model.state_dict()
    del state['teacher_sha256']
    model.load_state_dict(state)
