import logging

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmpretrain.datasets import ResizeEdge

from mmdfkd.export.resize import resize_of

PLAIN = dict(type='Resize', scale=(48, 32), interpolation='bilinear', backend='pillow')
EDGE = [dict(type='ResizeEdge', scale=40), dict(type='CenterCrop', crop_size=(48, 32))]


@pytest.mark.parametrize(
    ('pipeline', 'steps', 'told'),
    [
        ([], [PLAIN], False),
        ([dict(type='LoadImageFromFile'), dict(type='mmpretrain.PackInputs')], [PLAIN], False),
        ([dict(EDGE[0], type=ResizeEdge), EDGE[1]], EDGE, False),
        ([*EDGE, dict(type='MyContrast')], EDGE, True),
        ([dict(type='Resize', scale=(20, 20)), dict(type='Pad', size=(48, 32))], [PLAIN], True),
        ([EDGE[0], dict(type='EfficientNetCenterCrop', crop_size=32)], [PLAIN], True),
        ([dict(type='torchvision/Resize', size=32)], [PLAIN], True),
        ([dict(type='Resize', scale=(28, 28))], [PLAIN], True),
    ],
)
def test_a_files_image_has_the_students_size_and_what_is_not_repeated_is_told(
    pipeline, steps, told, caplog
):
    cfg = Config({'test_dataloader': {'dataset': {'pipeline': pipeline}}})
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING, logger=logger.name):
        found = resize_of(cfg, (3, 32, 48))
    logger.removeHandler(caplog.handler)
    assert [dict(step) for step in found] == steps
    assert ('where these differ, resize images yourself' in caplog.text) == told
