"""Trained models judged: stored results, errors, explanations, noise, other databases."""
