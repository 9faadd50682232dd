"""Servers of this machine that we start and stop: the API, MLflow's pages, Superset."""
