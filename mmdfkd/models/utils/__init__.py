"""Parts that the distillers share."""

from .augment import Augmentation, Compose, RandomAffine, RandomErase, ShiftFlip
from .bn_recorder import BNRecorder, BNStatistics
from .classifier import Classifier, Prediction
from .fixed_views import FixedViews
from .frozen import frozen, unwrap
from .image_bank import ImageBank

__all__ = [
    'Augmentation',
    'BNRecorder',
    'BNStatistics',
    'Classifier',
    'Compose',
    'FixedViews',
    'ImageBank',
    'Prediction',
    'RandomAffine',
    'RandomErase',
    'ShiftFlip',
    'frozen',
    'unwrap',
]
