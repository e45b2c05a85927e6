import numpy as np
import torch

from mmdfkd.evaluation.functional.corruptions import add_noise, blur


def draws(num):
    return [np.random.default_rng((3, place)) for place in range(num)]


def test_noise_has_its_deviation_and_stays_in_range():
    grey = torch.full((8, 3, 32, 32), 128.0)
    noise = add_noise(grey, 10.0, draws(8)) - grey
    assert abs(noise.std() - 10) < 0.3
    assert abs(noise.mean()) < 0.3
    assert torch.equal(noise, add_noise(grey, 10.0, draws(8)) - grey)
    assert torch.equal(noise[:3], add_noise(grey[:3], 10.0, draws(3)) - grey[:3])
    extreme = add_noise(torch.tensor([0.0, 255.0]).view(2, 1, 1, 1), 200.0, draws(2))
    assert ((extreme >= 0) & (extreme <= 255)).all()


def test_blur_is_a_gaussian():
    point = torch.zeros(1, 1, 15, 15)
    point[0, 0, 7, 7] = 255
    blurred = blur(point, 1.0)[0, 0]
    assert abs(blurred.sum() - 255) < 0.01
    places = torch.arange(15.0) - 7
    assert abs((blurred.sum(0) * places.square()).sum() / 255 - 1) < 0.05  # its variance
    assert (blurred[4:11, 4:11] > 0).all()
