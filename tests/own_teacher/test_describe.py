"""What distill says that it found."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from example_pair import DARK, PAIR

from mmdfkd.own_teacher import describe


@pytest.mark.parametrize(
    ('given', 'size', 'told'), [(None, 16, True), (None, 9, False), (16, 16, False)]
)
def test_test_images_of_another_size_are_told_of(tmp_path, given, size, told):
    (tmp_path / 'a').mkdir()
    cv2.imwrite(str(tmp_path / 'a/1.png'), np.zeros((9, 12, 3), np.uint8))
    pair = replace(PAIR, images=replace(PAIR.images, size=size))
    text = describe(pair, 'resnet18', 'resnet10t', str(tmp_path), given)
    assert ('is 12 x 9' in text) == ('give --image-size 9' in text) == told


@pytest.mark.parametrize(
    ('pair', 'told'),
    [
        (DARK, 'of a black ground, as digits; if yours are not, give --no-dark'),
        (
            replace(PAIR, batch_norms=False),
            'that fill the frame; if most pixels are black, give --dark',
        ),
        (PAIR, None),
    ],
)
def test_the_images_that_a_recipe_is_for_are_told(pair, told):
    text = describe(pair, 'resnet18', 'resnet10t', None, None)
    lines = [line for line in text.splitlines() if line[:6] == 'recipe']
    assert [told in line for line in lines] == ([True] if told else [])


@pytest.mark.parametrize(('name', 'told'), [('._1.png', True), ('0.png', False)])
def test_a_file_of_no_pixels_ends_nothing(tmp_path, name, told):
    (tmp_path / 'a').mkdir()
    (tmp_path / f'a/{name}').write_bytes(b'\0\5\x16\7')
    if told:  # macOS leaves it beside an image
        cv2.imwrite(str(tmp_path / 'a/1.png'), np.zeros((9, 12, 3), np.uint8))
    text = describe(PAIR, 'resnet18', 'resnet10t', str(tmp_path), None)
    assert ('1.png of' in text) == told
