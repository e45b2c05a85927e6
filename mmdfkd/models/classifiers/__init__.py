"""Classifiers: one adapter for every teacher and student, with strict and safe loading."""

from .classifier import Classifier, Prediction

__all__ = ['Classifier', 'Prediction']
