"""Parts that the distillers share."""

from .augment import Augmentation, Compose, RandomAffine, RandomErase, ShiftFlip
from .bn_recorder import BNRecorder, BNStatistics, gather_statistics
from .classifier import Classifier, Prediction
from .fixed_views import FixedViews
from .frozen import frozen, unwrap
from .image_bank import ImageBank
from .precision import full_precision
from .processes import average_buffers, gather, share
from .student_init import part_of_teacher, start_as_part

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
    'average_buffers',
    'frozen',
    'full_precision',
    'gather',
    'gather_statistics',
    'part_of_teacher',
    'share',
    'start_as_part',
    'unwrap',
]
