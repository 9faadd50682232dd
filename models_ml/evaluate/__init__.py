"""Honest evaluation: rolling origins, always beside naive baselines."""
