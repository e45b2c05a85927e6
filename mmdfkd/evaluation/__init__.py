"""Figures of merit: of synthetic images, and of students."""

from .metrics import Agreement, ClassBalance, Diversity

__all__ = ['Agreement', 'ClassBalance', 'Diversity']
