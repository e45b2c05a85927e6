import pytest

from mmdfkd.models.distillers.frame.parts import check_image_shape


@pytest.mark.parametrize('channels', [1, 3])
def test_images_are_grey_or_of_three_colours(channels):
    check_image_shape((channels, 8, 6))


@pytest.mark.parametrize('channels', [2, 4])
def test_other_channels_are_refused(channels):
    """No picture can be made of them: a run ended in a traceback at its first grid."""
    with pytest.raises(ValueError, match=rf'or 1 \(grey\), but got \[{channels}, 8, 8\]'):
        check_image_shape([channels, 8, 8])
