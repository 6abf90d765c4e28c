"""Figures of runs and recordings."""
