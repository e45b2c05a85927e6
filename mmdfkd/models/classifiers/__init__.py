"""Classifiers: one adapter for every teacher and student, with strict and safe loading."""

from .classifier import Classifier, Prediction
from .student_init import part_of_teacher, start_as_part

__all__ = ['Classifier', 'Prediction', 'part_of_teacher', 'start_as_part']
