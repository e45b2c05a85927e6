import pytest
import torch
from toy import snapshot, toy_dedfkd
from toy_run import toy_runner

from mmdfkd.engine.hooks import CompileHook


def trained_student(work_dir, *hooks, **model):
    torch.manual_seed(0)
    runner = toy_runner(work_dir, max_iters=3, model=toy_dedfkd(**model))
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    return snapshot(runner.model.student), runner.model


@pytest.mark.parametrize('num_views', [0, 2])
def test_a_compiled_student_learns_the_same(tmp_path, num_views):
    expected, _ = trained_student(tmp_path / 'eager', num_views=num_views)
    # fullgraph: one graph, so nothing of the pass stays in Python.
    hook = CompileHook(backend='aot_eager', fullgraph=True)
    weights, model = trained_student(tmp_path / 'compiled', hook, num_views=num_views)
    assert hasattr(model.student_losses, '_torchdynamo_orig_callable')
    for name, value in expected.items():
        torch.testing.assert_close(weights[name], value)


def test_channels_last_changes_the_layout_and_not_the_result(tmp_path):
    expected, _ = trained_student(tmp_path / 'plain')
    weights, model = trained_student(tmp_path / 'last', channels_last=True)
    kernel = model.student.network[0].weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    images = model.memory[model.memory.draw(4)]
    assert model.normalize(images).is_contiguous(memory_format=torch.channels_last)
    for name, value in expected.items():
        torch.testing.assert_close(weights[name], value)
