"""Figures of features, as functions and as sums that stream."""

from .frechet import FeatureStatistics, class_distances, frechet_distance, warn_of_few
from .inception_score import InceptionScore
from .kernel import kernel_distance
from .neighbours import check_numbers, neighbour_figures
from .reservoir import Reservoir

__all__ = [
    'FeatureStatistics',
    'InceptionScore',
    'Reservoir',
    'check_numbers',
    'class_distances',
    'frechet_distance',
    'kernel_distance',
    'neighbour_figures',
    'warn_of_few',
]
