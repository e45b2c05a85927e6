import copy

import pytest
import torch
from mmengine.model import BaseModule
from mmpretrain.models import ClsDataPreprocessor
from toy import (
    NUM_CLASSES,
    changed,
    snapshot,
    toy_dedfkd,
    toy_labels,
    toy_network,
    toy_optim_wrapper,
    toy_parts,
    without_batch_norm,
)

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import DEDFKD
from mmdfkd.models.generators import ConditionalGenerator
from mmdfkd.models.losses import ClassConditionLoss, PixelStatisticsLoss, TotalVariationLoss
from mmdfkd.models.losses.image_prior import total_variation_loss
from mmdfkd.models.memories import Batch
from mmdfkd.models.utils import RandomErase, ShiftFlip
from mmdfkd.registry import MODELS


def test_teacher_never_changes():
    model = toy_dedfkd()
    model.train()
    before = snapshot(model.teacher)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert not changed(model.teacher, before)
    assert not any(module.training for module in model.teacher.modules())
    assert all(p.grad is None and not p.requires_grad for p in model.teacher.parameters())


def test_generator_step_leaves_the_student_alone():
    model = toy_dedfkd()
    model.train()
    wrapper = toy_optim_wrapper(model)
    student, generator = snapshot(model.student), snapshot(model.generator)
    model.generator_step(torch.randn(6, 5), toy_labels()['label'], wrapper['generator'])
    assert not changed(model.student, student)
    assert all(p.grad is None and p.requires_grad for p in model.student.parameters())
    assert model.student.training
    assert changed(model.generator, generator)


def test_student_step_leaves_the_generator_alone():
    model = toy_dedfkd()
    model.train()
    wrapper = toy_optim_wrapper(model)
    student, generator = snapshot(model.student), snapshot(model.generator)
    model.student_step(Batch(torch.rand(6, 3, 8, 8) * 255), wrapper['student'])
    assert not changed(model.generator, generator)
    assert any('running_mean' in name for name in changed(model.student, student))


def test_student_step_follows_the_gradient_of_the_kd_loss_alone():
    model = toy_dedfkd(augment=None)
    model.train()
    images = torch.randint(256, (6, 3, 8, 8)).float()
    inputs = (images - 100) / 50
    # The reference: plain autograd on copies.
    reference = toy_network(4)
    reference.load_state_dict(model.student.network.state_dict())
    target = (model.teacher.network(inputs) / 4).softmax(1)
    log_student = (reference(inputs) / 4).log_softmax(1)
    loss = 16 * (target * (target.log() - log_student)).sum(1).mean()
    loss.backward()
    before = snapshot(model.student)
    wrapper = toy_optim_wrapper(model, lr=0.1)
    model.generator_step(torch.randn(6, 5), toy_labels()['label'], wrapper['generator'])
    log = model.student_step(Batch(images), wrapper['student'])
    torch.testing.assert_close(log['loss_kd'], loss.detach())
    for name, parameter in reference.named_parameters():
        expected = before[f'network.{name}'] - 0.1 * parameter.grad
        torch.testing.assert_close(model.student.network.state_dict()[name], expected)


def test_two_accumulated_halves_are_one_step_on_the_whole():
    """Of a mean over samples, that is: class condition and distillation, no batch norm."""
    parts = dict(
        loss_ce=ClassConditionLoss(),
        generator=without_batch_norm(ConditionalGenerator(NUM_CLASSES, 5, 8, base_channels=2)),
        student=without_batch_norm(Classifier(toy_network(4))),
    )
    model = DEDFKD(**toy_parts(**parts, g_steps=2, kd_steps=2, augment=None))
    whole = copy.deepcopy(model)
    latents, labels = torch.randn(6, 5), torch.arange(6) % NUM_CLASSES
    images = torch.rand(6, 3, 8, 8) * 255

    wrapper = toy_optim_wrapper(whole)
    whole.generator_step(latents, labels, wrapper['generator'])
    whole.student_step(Batch(images), wrapper['student'])

    twice = dict(accumulative_counts=2)
    wrapper = toy_optim_wrapper(model, generator=twice, student=twice)
    for half in (slice(0, 3), slice(3, 6)):
        model.generator_step(latents[half], labels[half], wrapper['generator'])
        model.student_step(Batch(images[half]), wrapper['student'])
    torch.testing.assert_close(model.state_dict(), whole.state_dict())


def test_a_round_leaves_no_gradient_behind():
    """So that a checkpoint, which holds none, misses none."""
    model = toy_dedfkd(g_steps=2, kd_steps=6)
    optim_wrapper = toy_optim_wrapper(
        model, generator=dict(accumulative_counts=2), student=dict(accumulative_counts=3)
    )
    before = snapshot(model)
    model.train_step(toy_labels(), optim_wrapper)
    assert {'student.network.0.weight', 'generator.dense.weight'} <= changed(model, before)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_round_counts_its_passes():
    model = toy_dedfkd(g_steps=2, kd_steps=3)
    model.train()
    passes = {'teacher': 0, 'student': 0, 'generator': 0}
    for name in passes:
        part = getattr(model, name)
        part.register_forward_hook(lambda *_, name=name: passes.update({name: passes[name] + 1}))
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert passes == {'teacher': 2 + 3, 'student': 2 + 3, 'generator': 2}


def test_log_names_every_loss_once_a_phase():
    model = toy_dedfkd()
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert set(log) == {
        'generator/loss',
        'generator/loss_ce',
        'generator/loss_adv',
        'generator/loss_metric',
        'generator/loss_bn',
        'generator/loss_act',
        'generator/label_agreement',
        'student/loss',
        'student/loss_kd',
    }
    parts = [v for k, v in log.items() if k.startswith('generator/loss_')]
    torch.testing.assert_close(log['generator/loss'], sum(parts))


def test_memory_receives_the_newest_images():
    model = toy_dedfkd(kd_steps=1)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert len(model.memory) == 6
    assert model.memory.images[:6].float().std() > 0
    assert (model.memory.images[6:] == 0).all()


def test_predict_is_the_student():
    model = toy_dedfkd().eval()
    inputs = torch.randn(4, 3, 8, 8)
    logits = model.student.network(inputs)
    torch.testing.assert_close(model(inputs), logits)
    samples = model(inputs, mode='predict')
    assert [int(s.pred_label) for s in samples] == logits.argmax(1).tolist()
    with pytest.raises(ValueError, match='mode should be'):
        model(inputs, mode='loss')


def test_accumulated_gradients_step_once_for_two():
    model = toy_dedfkd(kd_steps=2)
    wrapper = toy_optim_wrapper(model)
    wrapper['student']._accumulative_counts = 2
    wrapper['student'].initialize_count_status(model, 0, 100)
    steps = []
    wrapper['student'].optimizer.register_step_post_hook(lambda *_: steps.append(1))
    model.train_step(toy_labels(), wrapper)
    assert len(steps) == 1


def test_student_learns_the_teacher():
    torch.manual_seed(1)
    model = toy_dedfkd(kd_steps=20, kd_batch_size=32, capacity=200)
    model.train()
    wrapper = toy_optim_wrapper(model, lr=0.02)
    labels = toy_labels(30)
    losses = [float(model.train_step(labels, wrapper)['student/loss_kd']) for _ in range(25)]
    assert losses[-1] < losses[0] / 2


def test_checkpoint_leaves_out_a_teacher_that_has_a_file(tmp_path):
    file = tmp_path / 'teacher.pth'
    torch.save(toy_network(6).state_dict(), file)
    with_file = toy_dedfkd(teacher=Classifier(toy_network(6), checkpoint=str(file)))
    state = with_file.state_dict()
    assert not any(key.startswith('teacher.') for key in state)
    with_file.load_state_dict(state, strict=True)
    without_file = toy_dedfkd()
    assert any(key.startswith('teacher.') for key in without_file.state_dict())


def test_class_counts_must_agree():
    with pytest.raises(ValueError, match=r"as many classes.*'student': 5"):
        toy_dedfkd(student=Classifier(toy_network(4, num_classes=NUM_CLASSES + 2)))


def test_teacher_must_have_weights():
    untrained = dict(type=Classifier, network=dict(type='torchvision.models.resnet18'))
    with pytest.raises(ValueError, match='teacher should have trained weights'):
        DEDFKD(**toy_parts(teacher=untrained), loss_ce=ClassConditionLoss())


def test_image_priors_are_generator_losses_under_their_names():
    priors = dict(tv=TotalVariationLoss(0.3), pixel=PixelStatisticsLoss(2.0), adv=None)
    model = toy_dedfkd(image_priors=priors)
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert log['generator/loss_prior_tv'] > 0
    assert log['generator/loss_prior_pixel'] > 0
    assert 'generator/loss_prior_adv' not in log
    parts = [value for name, value in log.items() if name.startswith('generator/loss_')]
    torch.testing.assert_close(log['generator/loss'], torch.stack(parts).sum())


def test_a_generator_with_an_image_prior_follows_it():
    model = toy_dedfkd(image_priors=dict(tv=TotalVariationLoss(30.0)), g_steps=100, kd_steps=1)
    wrapper = toy_optim_wrapper(model)
    latents, labels = torch.randn(30, 5), toy_labels(30)['label']
    before = total_variation_loss(model.generator(latents, labels))
    model.train_step(toy_labels(30), wrapper)
    assert total_variation_loss(model.generator(latents, labels)) < 0.3 * before


def test_augmentations_come_one_after_the_other():
    erase, shift = dict(type=RandomErase, probability=1.0), dict(type=ShiftFlip, pad=1)
    assert len(toy_dedfkd(augment=None).augment) == 0
    assert [type(part) for part in toy_dedfkd(augment=erase).augment] == [RandomErase]
    both = toy_dedfkd(augment=[erase, shift]).augment
    assert [type(part) for part in both] == [RandomErase, ShiftFlip]


@pytest.mark.parametrize('label_injection', ['one_hot', 'embedding', 'sum'])
def test_a_restarted_generator_is_as_new(label_injection):
    generator = dict(
        type=ConditionalGenerator,
        num_classes=NUM_CLASSES,
        latent_dim=5,
        image_size=8,
        base_channels=2,
        label_injection=label_injection,
    )
    model = toy_dedfkd(generator=generator)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    torch.manual_seed(3)
    fresh = snapshot(MODELS.build(generator))
    assert changed(model.generator, fresh)
    torch.manual_seed(3)
    model.restart(toy_optim_wrapper(model))
    assert not changed(model.generator, fresh)


def test_a_restart_draws_the_weights_that_an_init_cfg_asks_for():
    generator = dict(type=InitialisedGenerator)
    model = toy_dedfkd(generator=generator)
    model.restart(toy_optim_wrapper(model))
    assert (model.generator.scale.weight == 0.25).all()


class InitialisedGenerator(BaseModule):
    latent_dim, image_size, out_channels = 5, 8, 3
    conditional = True

    def __init__(self):
        super().__init__(init_cfg=dict(type='Constant', layer='Linear', val=0.25))
        self.scale = torch.nn.Linear(5, 3)


def test_a_generator_is_in_the_state_dict_once():
    names = list(toy_dedfkd().state_dict())
    assert len([name for name in names if name.endswith('dense.weight')]) == 1


def test_the_student_waits_for_the_first_rounds():
    model = toy_dedfkd(warmup_rounds=2)
    model.train()
    wrapper = toy_optim_wrapper(model)
    student, generator = snapshot(model.student), snapshot(model.generator)
    for _ in range(2):
        assert model.warming_up
        log = model.train_step(toy_labels(), wrapper)
        assert all(name.startswith('generator/') for name in log)
    assert not changed(model.student, student)
    assert changed(model.generator, generator)
    assert len(model.memory) == 12  # what the student will learn from is kept
    assert not model.warming_up
    assert 'student/loss_kd' in model.train_step(toy_labels(), wrapper)
    assert changed(model.student, student)


@pytest.mark.parametrize('rounds', [-1, 0.5])
def test_rounds_of_the_warm_up_are_checked(rounds):
    with pytest.raises(ValueError, match=f'warmup_rounds should be .* from 0 on, but got {rounds}'):
        toy_dedfkd(warmup_rounds=rounds)


@pytest.mark.parametrize('to_rgb', [False, True])
def test_pixels_come_back_from_normalised_images(to_rgb):
    preprocessor = ClsDataPreprocessor(mean=[9, 99, 199], std=[10, 50, 90], to_rgb=to_rgb)
    model = toy_dedfkd(data_preprocessor=preprocessor)
    pixels = torch.rand(2, 3, 8, 8) * 255
    inputs = model.normalize(pixels).requires_grad_()
    torch.testing.assert_close(model.denormalize(inputs), pixels, rtol=0, atol=1e-4)
    gradient = torch.autograd.grad(model.denormalize(inputs).sum(), inputs)[0]
    expected = torch.tensor([10.0, 50.0, 90.0]).view(3, 1, 1).expand(2, 3, 8, 8)
    torch.testing.assert_close(gradient, expected)
