import pytest
import torch
from toy import NUM_CLASSES, toy_dedfkd, toy_labels, toy_optim_wrapper, toy_parts

from mmdfkd.datasets import LatentDataset
from mmdfkd.models.distillers import DAFL, samples_of
from mmdfkd.models.generators import UnconditionalGenerator
from mmdfkd.models.losses import ActivationLoss, InformationEntropyLoss, PseudoLabelLoss


@pytest.fixture
def model():
    model = toy_dedfkd()
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    return model.train()


def latents(num=6):
    return dict(latent=torch.randn(num, 5), label=torch.arange(num) % NUM_CLASSES)


def test_live_samples(model):
    before = {k: v.clone() for k, v in model.state_dict().items()}
    data = latents()
    (samples,) = model.val_step(data)
    model.eval()
    images = model.generator(data['latent'], data['label']).round()
    assert torch.equal(samples['images'], images)
    assert torch.equal(samples['labels'], data['label'])
    inputs = (images - 100) / 50
    torch.testing.assert_close(samples['logits'], model.teacher(inputs).logits)
    torch.testing.assert_close(samples['features'], model.teacher(inputs).features)
    torch.testing.assert_close(samples['student_logits'], model.student(inputs).logits)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_modes_are_put_back(model):
    model.test_step(latents())
    assert model.generator.training
    assert model.student.training
    assert all(p.requires_grad for p in model.generator.parameters())


def test_memory(model):
    (samples,) = model.val_step(dict(slot=torch.tensor([2, 0])))
    assert torch.equal(samples['images'], model.memory.images[[2, 0]].float())
    assert samples['labels'] is None


def test_a_slot_that_holds_nothing(model):
    with pytest.raises(ValueError, match=f'below {len(model.memory)}, the images in the memory'):
        model.val_step(dict(slot=torch.tensor([0, 19])))


def test_an_unconditional_generator_was_asked_for_no_class():
    generator = UnconditionalGenerator(latent_dim=5, image_size=8, base_channels=2)
    model = DAFL(
        **toy_parts(generator=generator),
        loss_pseudo_label=PseudoLabelLoss(1.0),
        loss_entropy=InformationEntropyLoss(2.0),
        loss_act=ActivationLoss(0.1),
    )
    (samples,) = model.val_step(latents())
    assert samples['labels'] is None


def slots_of(dataset):
    return [sample['slot'] for sample in dataset]


def test_samples_of_a_memory_are_random_ones(model):
    wrapper = toy_optim_wrapper(model)
    for _ in range(2):
        model.train_step(toy_labels(), wrapper)
    length = len(model.memory)
    chosen = slots_of(samples_of(model, 'memory', length - 2, seed=1))
    assert len(set(chosen)) == length - 2
    assert chosen == slots_of(samples_of(model, 'memory', length - 2, seed=1))
    assert chosen != slots_of(samples_of(model, 'memory', length - 2, seed=2))
    assert slots_of(samples_of(model, 'memory', 10 * length, seed=1)) == [*range(length)]
    assert isinstance(samples_of(model, 'generator', 4, seed=1), LatentDataset)


def test_a_generator_of_one_batch_of_latents_is_shown_by_its_memory():
    model = toy_dedfkd(fixed_latents=True)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert model.sources == ('memory', 'generator')
    assert not model.conditional
    assert torch.equal(model.preview(4, 2), model.memory[model.memory.newest(4)])
    with pytest.raises(ValueError, match='fixed_latents should be False without a memory'):
        toy_dedfkd(fixed_latents=True, memory=None)
    without = toy_dedfkd(memory=None)
    assert without.sources == ('generator',)
    assert without.conditional
    assert without.preview(4, 2).shape[0] == 4
