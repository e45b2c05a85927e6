"""Losses: a pure function and a thin Module each."""

from .activation import ActivationLoss
from .adversarial import AdversarialLoss
from .bn_statistics import BNStatisticsLoss
from .class_condition import ClassConditionLoss
from .image_prior import PixelStatisticsLoss, TotalVariationLoss
from .kd import KDLoss
from .layout_spread import LayoutSpreadLoss
from .metric_learning import MetricLearningLoss
from .pseudo_label import InformationEntropyLoss, PseudoLabelLoss
from .relative_bn_statistics import RelativeBNStatisticsLoss

__all__ = [
    'ActivationLoss',
    'AdversarialLoss',
    'BNStatisticsLoss',
    'ClassConditionLoss',
    'InformationEntropyLoss',
    'KDLoss',
    'LayoutSpreadLoss',
    'MetricLearningLoss',
    'PixelStatisticsLoss',
    'PseudoLabelLoss',
    'RelativeBNStatisticsLoss',
    'TotalVariationLoss',
]
