"""Parts that the distillers share."""

from .augment import Augmentation, Compose
from .augmentations import RandomErase, RandomSymmetry, ShiftFlip
from .bn_recorder import BNRecorder, BNStatistics, gather_statistics
from .counter import Counter
from .discriminator import InstanceDiscriminator
from .feature_maps import FeatureMaps
from .frozen import frozen, unwrap
from .gather import alone, average_buffers, gather, share
from .instance_means import InstanceMeans
from .moving_average import move_towards
from .precision import full_precision
from .resampling import RandomAffine, RandomResizedCrop

__all__ = [
    'Augmentation',
    'BNRecorder',
    'BNStatistics',
    'Compose',
    'Counter',
    'FeatureMaps',
    'InstanceDiscriminator',
    'InstanceMeans',
    'RandomAffine',
    'RandomErase',
    'RandomResizedCrop',
    'RandomSymmetry',
    'ShiftFlip',
    'alone',
    'average_buffers',
    'frozen',
    'full_precision',
    'gather',
    'gather_statistics',
    'move_towards',
    'share',
    'unwrap',
]
