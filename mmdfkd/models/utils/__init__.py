"""Parts that the distillers share."""

from .augment import RandomAffine, RandomErase, ShiftFlip
from .bn_recorder import BNRecorder, BNStatistics
from .classifier import Classifier, Prediction
from .frozen import frozen, unwrap
from .image_bank import ImageBank

__all__ = [
    'BNRecorder',
    'BNStatistics',
    'Classifier',
    'ImageBank',
    'Prediction',
    'RandomAffine',
    'RandomErase',
    'ShiftFlip',
    'frozen',
    'unwrap',
]
