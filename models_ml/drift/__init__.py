"""Monitoring: what changed in a week against the weeks before it, named, and what to do about it.

`monitor` watches a release; `alerts` says which changes count; `retraining` says when to train again.
"""
