"""Tables of the ops store, as they are after the newest migration. `migrations/` is how they got there."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from governance.store.types import JsonText, UtcDateTime

metadata = MetaData()

# One row per proposed action: what a model (or a person) suggests, and how far it has come.
recommendations = Table(
    "recommendations",
    metadata,
    Column("recommendation_id", String(64), primary_key=True),
    Column("action", String(32), nullable=False),
    Column("product_id", String(64), nullable=False),
    Column("product_name", Text),
    Column("location_id", String(64), nullable=False),
    Column("region", String(64)),
    Column("banner", String(64)),
    Column("department", String(128)),
    Column("category", String(128)),
    Column("supplier_id", String(64)),
    Column("quantity_units", Float, nullable=False),
    Column("order_by", Date),
    Column("need_by", Date),
    Column("expected_units", Float),
    Column("expected_margin", Float),
    Column("expected_cash", Float),
    Column("expected_service", Float),
    Column("confidence", Float),
    Column("reason", Text),
    Column("drivers", JsonText),
    Column("model_name", String(64)),
    Column("model_version", String(64)),
    Column("release_id", String(64)),
    Column("policy_route", String(32)),
    Column("policy_reasons", JsonText),
    Column("state", String(16), nullable=False),
    Column("proposed_by", String(128), nullable=False),
    Column("authors", JsonText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("escalate_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("decided_quantity_units", Float),
    Column("superseded_by", String(64)),
    Column("compensates", String(64)),
    Column("is_simulated", Boolean, nullable=False),
    Column("from_location_id", String(64)),  # the donor of a transfer
    Column("subject_id", String(160)),  # what it is about if product and location do not say
    Column("details", JsonText),  # what only this action has: alternatives, weekly cash, price depth, …
    Column("at_stake", Float),  # what an anomaly cost beyond the usual: no margin can be promised of it
    Index("ix_recommendations_state", "state", "region", "department"),
    Index("ix_recommendations_item", "action", "product_id", "location_id", "state"),
    Index("ix_recommendations_subject", "action", "subject_id", "state"),
)

# One row per person or service that decided on a recommendation; two-person approval writes two.
decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", String(64), primary_key=True),
    Column("recommendation_id", String(64), ForeignKey("recommendations.recommendation_id"), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("decided_by", String(128), nullable=False),
    Column("on_behalf_of", String(128)),
    Column("role", String(32), nullable=False),
    Column("quantity_units", Float),
    Column("reason_code", String(64)),
    Column("note", Text),
    Column("policy_ids", JsonText, nullable=False),
    Column("request_id", String(128)),
    Column("decided_at", UtcDateTime, nullable=False),
    Index("ix_decisions_recommendation", "recommendation_id"),
)

# One row per thing done. Append-only: triggers refuse UPDATE and DELETE; the chain shows what got past them.
# `at`, `policy_ids`, `before` and `after` are plain text: what is hashed is what is stored.
audit_log = Table(
    "audit_log",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("on_behalf_of", String(128)),
    Column("role", String(32)),
    Column("action", String(64), nullable=False),
    Column("object_id", String(256), nullable=False),
    Column("reason", Text),
    Column("policy_ids", Text, nullable=False),
    Column("request_id", String(128)),
    Column("before", Text),
    Column("after", Text),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("key_id", String(12)),  # of the key that sealed it; NULL for a plain hash
    Column("rows", Text),  # digests of the rows that the transaction wrote, by table and key
    Index("ix_audit_log_object", "object_id"),
)

# One row per issued key of a service. The secret itself is never stored.
service_keys = Table(
    "service_keys",
    metadata,
    Column("key_id", String(32), primary_key=True),
    Column("service", String(128), nullable=False),
    Column("scopes", JsonText, nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)

# One row per review of a registered model version: the gate before an alias moves.
model_reviews = Table(
    "model_reviews",
    metadata,
    Column("review_id", String(64), primary_key=True),
    Column("model_name", String(64), nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("trained_by", String(128), nullable=False),
    Column("reviewed_by", String(128), nullable=False),
    Column("on_behalf_of", String(128)),
    Column("reason", Text, nullable=False),
    Column("evidence", JsonText),
    Column("policy_ids", JsonText, nullable=False),
    Column("request_id", String(128)),
    Column("reviewed_at", UtcDateTime, nullable=False),
    Index("ix_model_reviews_version", "model_name", "model_version"),
)

# One row per write that carried an Idempotency-Key: the same key and request give the first answer again.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("principal", String(128), primary_key=True),
    Column("idempotency_key", String(128), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("response", JsonText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

# One row per group of households that a reader was shown, for each fact: a sketch of its rows, no figures.
shown_groups = Table(
    "shown_groups",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("reader", String(128), nullable=False),
    Column("model", String(128), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("sketch", LargeBinary, nullable=False),
    Column("is_shown", Boolean, nullable=False),
    Column("shown_at", UtcDateTime, nullable=False),
    Index("ix_shown_groups_reader", "reader", "model", "number"),
    UniqueConstraint("reader", "model", "fingerprint", "is_shown", name="uq_shown_groups_once"),
)
