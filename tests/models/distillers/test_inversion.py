import pytest
import torch
from toy import toy_labels, toy_optim_wrapper
from toy_methods import METHODS, toy_cmi, toy_deepinversion, toy_nayer
from toy_views import Grey

from mmdfkd.models.distillers import cmi, deepinversion


@pytest.mark.parametrize('name', ['nayer', 'fast_datafree'])
def test_an_inversion_sees_views_of_its_images(name):
    model, shown = METHODS[name](augment=Grey()), []
    respond = model.respond
    model.respond = lambda inputs, **kwargs: (shown.append(inputs), respond(inputs, **kwargs))[1]
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert all((inputs == 1).all() for inputs in shown)  # (150 - 100) / 50


def test_an_inversion_optimises_jittered_images(monkeypatch):
    def turned(images, limit, flip):
        assert (limit, flip) == (1, True)
        return images.flip(2)

    monkeypatch.setattr(deepinversion, 'jitter', turned)
    model, seen = toy_deepinversion(inversion_steps=1), []
    losses = model.image_losses
    model.image_losses = lambda images, labels: (seen.append(images), losses(images, labels))[1]
    model.synthesize(toy_labels()['label'], toy_optim_wrapper(model))
    assert seen[0].flip(2).round().equal(model.memory[model.memory.newest(6)])


def test_an_inversion_begins_at_noise():
    model, seen = toy_deepinversion(inversion_steps=1, jitter=0, flip=False), []
    losses = model.image_losses
    model.image_losses = lambda images, labels: (seen.append(images), losses(images, labels))[1]
    model.synthesize(toy_labels(600)['label'], toy_optim_wrapper(model))
    inputs = model.normalize(seen[0].detach())
    assert inputs.std() == pytest.approx(torch.randn(99999).clamp(-2, 3.1).std().item(), abs=0.02)


def test_noise_is_optimised_with_the_generator():
    model, kept = toy_nayer(), []
    draw = model.generator.draw_noise
    model.generator.draw_noise = lambda labels: (kept.append(draw(labels)), kept[-1])[1]
    torch.manual_seed(3)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    torch.manual_seed(3)
    assert not kept[0][0].equal(draw(toy_labels()['label'])[0])
    assert kept[0][1].any()  # biases begin at 0


def test_cmi_optimises_latents_with_the_generator(monkeypatch):
    seen = []

    def watch(generator):
        generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))

    monkeypatch.setattr(cmi, 'dcgan_init', watch)
    model = toy_cmi(inversion_steps=2)
    model.synthesize(toy_labels()['label'], toy_optim_wrapper(model))
    assert not seen[0].equal(seen[1])


def test_cmi_shows_each_view_where_it_belongs():
    model, shown = toy_cmi(inversion_steps=1), []
    model._view = lambda images, view: (shown.append(view), model.normalize(images))[1]
    model.synthesize(toy_labels()['label'], toy_optim_wrapper(model))
    views = [model.global_view, model.local_view, model.local_view, model.global_view]
    assert all(one is other for one, other in zip(shown, views, strict=True))


def test_cmi_compares_with_num_negatives():
    model, sizes = toy_cmi(inversion_steps=1, num_negatives=4), []
    model.bank.add(torch.randn(16, 12))
    model.head.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    model.synthesize(toy_labels()['label'], toy_optim_wrapper(model))
    assert sizes == [6 + 4, 6, 4]
