"""Apache Superset on Steelyard's governed metrics.

Runs in Superset's own environment and knows the product only by its HTTP interface: a DB-API and a
SQLAlchemy dialect over `POST /v1/sql`, the engine spec that passes the signed-in user on, and provisioning.
"""
