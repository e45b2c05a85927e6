"""Losses: a pure function and a thin Module each."""

from .activation import ActivationLoss
from .adversarial import AdversarialLoss
from .attention import AttentionTransferLoss
from .bn_statistics import BNDivergenceLoss, BNStatisticsLoss
from .class_condition import ClassConditionLoss
from .competition import CompetitionLoss
from .contrastive import ContrastiveInversionLoss
from .image_norm import ImageNormLoss
from .image_prior import PixelStatisticsLoss, TotalVariationLoss
from .kd import KDLoss
from .layout_spread import LayoutSpreadLoss
from .metric_learning import MetricLearningLoss
from .neighbour_variation import NeighbourVariationLoss
from .pseudo_label import InformationEntropyLoss, InstanceEntropyLoss, PseudoLabelLoss
from .relative_bn_statistics import RelativeBNStatisticsLoss
from .running_bn_statistics import RunningBNStatisticsLoss

__all__ = [
    'ActivationLoss',
    'AdversarialLoss',
    'AttentionTransferLoss',
    'BNDivergenceLoss',
    'BNStatisticsLoss',
    'ClassConditionLoss',
    'CompetitionLoss',
    'ContrastiveInversionLoss',
    'ImageNormLoss',
    'InformationEntropyLoss',
    'InstanceEntropyLoss',
    'KDLoss',
    'LayoutSpreadLoss',
    'MetricLearningLoss',
    'NeighbourVariationLoss',
    'PixelStatisticsLoss',
    'PseudoLabelLoss',
    'RelativeBNStatisticsLoss',
    'RunningBNStatisticsLoss',
    'TotalVariationLoss',
]
