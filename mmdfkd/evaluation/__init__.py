"""Figures of merit: of synthetic images, and of students."""
