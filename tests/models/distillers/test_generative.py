import pytest
import torch
from toy import toy_dedfkd, toy_labels, toy_optim_wrapper
from toy_methods import METHODS
from toy_views import Grey

from mmdfkd.engine.optimizers import BFloat16OptimWrapper
from mmdfkd.models.losses import TotalVariationLoss


def batches_of(model, monkeypatch):
    got, step = [], model.student_step
    monkeypatch.setattr(model, 'student_step', lambda b, w: (got.append(b.images), step(b, w))[1])
    return got


@pytest.mark.parametrize('name', sorted({*METHODS} - {'dafl', 'zskt'}))
def test_the_student_sees_views_of_every_image(name, monkeypatch):
    model = METHODS[name](augment=Grey())
    got = batches_of(model, monkeypatch)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert all((images == 150).all() for images in got)


def test_a_round_begins_with_the_newest_images_and_then_draws_kd_batch_size(monkeypatch):
    model = toy_dedfkd(augment=None, kd_batch_size=4, capacity=50)
    got = batches_of(model, monkeypatch)
    wrapper = toy_optim_wrapper(model)
    for _ in range(2):
        model.train_step(toy_labels(), wrapper)
    assert [len(images) for images in got] == [6, 4, 4] * 2
    assert got[3].equal(model.memory[model.memory.newest(6)])


def test_the_last_steps_images_are_remembered():
    model, made = toy_dedfkd(g_steps=3), []
    model.generator.register_forward_hook(lambda _, __, images: made.append(images.detach()))
    model.synthesize(toy_labels()['label'], toy_optim_wrapper(model))
    assert model.memory[model.memory.newest(6)].equal(made[-1].round())


def test_priors_are_of_normalised_images():
    prior, seen = TotalVariationLoss(), []
    prior.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    model = toy_dedfkd(image_priors=dict(tv=prior))
    seen.clear()
    wrapper = toy_optim_wrapper(model)['generator']
    images, _ = model.generator_step(torch.randn(6, 5), toy_labels()['label'], wrapper)
    torch.testing.assert_close(seen[0], (images - 100) / 50)


def test_latents_are_normal():
    latents = toy_dedfkd().new_latents(torch.zeros(20000, dtype=torch.long))
    assert latents.mean() == pytest.approx(0, abs=0.02)
    assert latents.std() == pytest.approx(1, abs=0.02)


def test_a_column_of_the_preview_has_one_latent_of_the_seed():
    model, seen = toy_dedfkd(), []
    model.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    for seed in (0, 1):
        model.preview(6, 3, seed)
    (latents, labels), (others, _) = seen
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert latents.view(3, 2, -1)[1:].equal(latents[:2].expand(2, 2, -1))
    assert not latents.equal(others)


def test_every_pass_of_a_round_is_in_the_wrappers_context():
    model, seen = toy_dedfkd(num_views=1), {'generator': [], 'teacher': [], 'student': []}
    for name, found in seen.items():
        getattr(model, name).register_forward_pre_hook(
            lambda *_, found=found: found.append(torch.is_autocast_enabled('cpu'))
        )
    bfloat16 = dict(type=BFloat16OptimWrapper, always=True)
    model.train_step(toy_labels(), toy_optim_wrapper(model, generator=bfloat16, student=bfloat16))
    assert seen == {'generator': [True] * 2, 'teacher': [True] * 3, 'student': [True] * 5}
