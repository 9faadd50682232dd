"""Benchmarks: `python -m tests.bench`, or `make bench`. Each section compares things in one run."""
