"""Classifiers: one adapter for every teacher and student, with strict and safe loading."""

from .classifier import Classifier, Prediction
from .narrower import narrower
from .student_init import part_of_teacher, start_as_part
from .without_blocks import spare_blocks, without_blocks

__all__ = [
    'Classifier',
    'Prediction',
    'narrower',
    'part_of_teacher',
    'spare_blocks',
    'start_as_part',
    'without_blocks',
]
