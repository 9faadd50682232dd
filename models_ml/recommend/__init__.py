"""Proposed actions, one a file: each says what, how much, by when, why, and what it is expected to bring."""
