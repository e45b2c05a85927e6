import pytest

from mmdfkd.models.generators.sizes import first_map_size


@pytest.mark.parametrize(
    ('image_size', 'expected'),
    [
        (28, (7, 7, 2)),
        (224, (7, 7, 5)),
        (1008, (63, 63, 4)),
        ((32, 96), (8, 24, 2)),
        ((64, 1024), (4, 64, 4)),
        ((16, 1024), (1, 64, 4)),
    ],
)
def test_the_first_map(image_size, expected):
    assert first_map_size(image_size) == expected


def test_every_size_that_the_docs_allow_can_be_made():
    for height in range(4, 1025, 4):
        for width in range(4, 1025, 4):
            longer = max(height, width)
            step = 16 if longer > 512 else 8 if longer > 256 else 4
            if height % step == width % step == 0:
                down, across, doublings = first_map_size((height, width))
                assert (down << doublings, across << doublings) == (height, width)
            else:
                with pytest.raises(ValueError, match='image_size should be a multiple of 4'):
                    first_map_size((height, width))
