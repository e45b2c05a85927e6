import pytest
import torch
from toy import toy_dedfkd

from mmdfkd.models.generators import ConditionalGenerator


def wrong(change):
    class Wrong(ConditionalGenerator):
        def forward(self, latents, labels=None):
            return change(super().forward(latents, labels))

    return Wrong(num_classes=3, latent_dim=5, image_size=8, base_channels=2)


@pytest.mark.parametrize(
    ('change', 'told'),
    [
        (lambda x: x / 255, r'pixels of 0 to 255, but made 0\..*, as 255 \* x'),
        (lambda x: x / 127.5 - 1, r'pixels of 0 to 255, but made -0.*, as 127.5 \* \(x \+ 1\)'),
        (lambda x: x - 500, r'pixels of 0 to 255, but made -'),
        (lambda x: x * float('nan'), r'but made nan to nan'),
        (lambda x: x[:, :1], r'image_size, \(3, 8, 8\), but made \(1, 8, 8\)'),
        (lambda x: x[..., :4], r'but made \(3, 8, 4\)'),
        (lambda x: (x,), r'but made tuple'),
        (lambda x: x @ torch.ones(3, 3), r'but raised RuntimeError'),
    ],
)
def test_a_generator_of_other_images_is_refused(change, told):
    with pytest.raises(ValueError, match=f'the generator should make .*{told}'):
        toy_dedfkd(generator=wrong(change))


def test_the_trial_draws_nothing_and_changes_nothing():
    state = torch.get_rng_state()
    model = toy_dedfkd(generator=wrong(lambda x: x))
    assert model.generator.training
    after = torch.get_rng_state()
    torch.set_rng_state(state)
    plain = toy_dedfkd(generator=ConditionalGenerator(3, 5, 8, base_channels=2))
    assert torch.get_rng_state().equal(after)
    for name, value in model.generator.state_dict().items():
        assert value.equal(plain.generator.state_dict()[name])
