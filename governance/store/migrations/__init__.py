"""Alembic migrations of the ops store, applied in order from an empty database."""
