"""The first schema: recommendations, decisions, audit, keys, model reviews."""

import sqlalchemy as sa
from alembic import op

from governance.store.types import JsonText, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "recommendations",
        sa.Column("recommendation_id", sa.String(64), primary_key=True),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("product_name", sa.Text),
        sa.Column("location_id", sa.String(64), nullable=False),
        sa.Column("region", sa.String(64)),
        sa.Column("banner", sa.String(64)),
        sa.Column("department", sa.String(128)),
        sa.Column("category", sa.String(128)),
        sa.Column("supplier_id", sa.String(64)),
        sa.Column("quantity_units", sa.Float, nullable=False),
        sa.Column("order_by", sa.Date),
        sa.Column("need_by", sa.Date),
        sa.Column("expected_units", sa.Float),
        sa.Column("expected_margin_usd", sa.Float),
        sa.Column("expected_cash_usd", sa.Float),
        sa.Column("expected_service", sa.Float),
        sa.Column("confidence", sa.Float),
        sa.Column("reason", sa.Text),
        sa.Column("drivers", JsonText),
        sa.Column("model_name", sa.String(64)),
        sa.Column("model_version", sa.String(64)),
        sa.Column("release_id", sa.String(64)),
        sa.Column("policy_route", sa.String(32)),
        sa.Column("policy_reasons", JsonText),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("proposed_by", sa.String(128), nullable=False),
        sa.Column("authors", JsonText),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("escalate_at", UtcDateTime),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("decided_quantity_units", sa.Float),
        sa.Column("superseded_by", sa.String(64)),
        sa.Column("compensates", sa.String(64)),
        sa.Column("is_simulated", sa.Boolean, nullable=False),
    )
    op.create_index("ix_recommendations_state", "recommendations", ["state", "region", "department"])
    op.create_index(
        "ix_recommendations_item", "recommendations", ["action", "product_id", "location_id", "state"]
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.String(64), primary_key=True),
        sa.Column(
            "recommendation_id",
            sa.String(64),
            sa.ForeignKey("recommendations.recommendation_id"),
            nullable=False,
        ),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.String(128), nullable=False),
        sa.Column("on_behalf_of", sa.String(128)),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("quantity_units", sa.Float),
        sa.Column("reason_code", sa.String(64)),
        sa.Column("note", sa.Text),
        sa.Column("policy_ids", JsonText, nullable=False),
        sa.Column("request_id", sa.String(128)),
        sa.Column("decided_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_decisions_recommendation", "decisions", ["recommendation_id"])
    op.create_table(
        "audit_log",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("on_behalf_of", sa.String(128)),
        sa.Column("role", sa.String(32)),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("object_id", sa.String(256), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("policy_ids", sa.Text, nullable=False),
        sa.Column("request_id", sa.String(128)),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_audit_log_object", "audit_log", ["object_id"])
    op.create_table(
        "service_keys",
        sa.Column("key_id", sa.String(32), primary_key=True),
        sa.Column("service", sa.String(128), nullable=False),
        sa.Column("scopes", JsonText, nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime),
    )
    op.create_table(
        "model_reviews",
        sa.Column("review_id", sa.String(64), primary_key=True),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("model_version", sa.String(64), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("trained_by", sa.String(128), nullable=False),
        sa.Column("reviewed_by", sa.String(128), nullable=False),
        sa.Column("on_behalf_of", sa.String(128)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("evidence", JsonText),
        sa.Column("policy_ids", JsonText, nullable=False),
        sa.Column("request_id", sa.String(128)),
        sa.Column("reviewed_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_model_reviews_version", "model_reviews", ["model_name", "model_version"])
    op.create_table(
        "idempotency_keys",
        sa.Column("principal", sa.String(128), primary_key=True),
        sa.Column("idempotency_key", sa.String(128), primary_key=True),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("response", JsonText, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    _append_only()


def _append_only() -> None:
    """Refuse UPDATE and DELETE of audit rows in the database itself."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_log_no_{verb.lower()} BEFORE {verb} ON audit_log "
                "BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END"
            )
        return
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON audit_log FROM PUBLIC, CURRENT_USER")
    op.execute(
        "CREATE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit_log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only()"
    )
