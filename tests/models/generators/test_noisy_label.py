import pytest
import torch
from torch.nn import functional as F

from mmdfkd.models.generators import NoisyLabelGenerator
from mmdfkd.models.generators.noisy_label import orthogonal_codes


def toy(**options):
    sizes = dict(num_classes=3, code_dim=7, noise_dim=5, image_size=8, base_channels=2)
    return NoisyLabelGenerator(**(sizes | options))


def test_codes_are_orthogonal_and_always_the_same():
    codes = orthogonal_codes(4, 9)
    torch.testing.assert_close(codes @ codes.t(), 9 * torch.eye(4))
    torch.manual_seed(5)
    assert orthogonal_codes(4, 9).equal(codes)


def test_each_layer_of_noise_serves_as_many_images_as_there_are_classes():
    generator = toy()
    labels = torch.tensor([0, 1, 2, 2, 0, 1, 1])
    weight, bias = generator.draw_noise(labels)
    assert weight.shape == (3, 7, 5)
    assert not bias.any()
    bias.data.normal_()
    seen = []
    generator.decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    images = generator(labels, [weight, bias])
    assert images.shape == (7, 3, 8, 8)
    codes = F.batch_norm(generator.codes[labels], None, None, training=True)
    for index, code in enumerate(codes):  # one image at a time
        layer = index // 3
        torch.testing.assert_close(seen[0][index], code @ weight[layer] + bias[layer, 0])


def test_more_classes_than_dimensions_are_refused():
    with pytest.raises(ValueError, match='code_dim should be at least num_classes'):
        toy(num_classes=8)


def test_no_two_images_of_a_class_have_one_layer():
    generator = toy()
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 1])
    noise = generator.draw_noise(labels)
    assert len(noise[0]) == 3  # images of class 1
    images = generator(labels, noise)
    for one in range(7):
        for other in range(one):
            assert not images[one].equal(images[other])


def test_one_image_is_refused():
    with pytest.raises(ValueError, match=r'2 images or more in a batch .* but got 1'):
        toy().draw_noise(torch.tensor([0]))
