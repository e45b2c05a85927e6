"""The statistics of ImageNet's pixels, of which most public teachers are."""

from mmpretrain.models import ClsDataPreprocessor

data_preprocessor = dict(
    type=ClsDataPreprocessor,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=False,  # images are RGB throughout
)
