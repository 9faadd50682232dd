"""Who may let a model score: not who trained it, not another artifact, not on stale evidence; all audited."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from governance.approvals.model_review import APPROVAL_DAYS, latest_review, permit_promotion, review_model
from governance.errors import ConflictError, ForbiddenError, InvalidDecisionError
from governance.store import audit

DIGEST, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def review(store, people, now):
    def judge(
        decision="approve", *, by=None, trained_by="svc-trainer", digest=DIGEST, at=now, reason="beats both"
    ):
        return review_model(
            store,
            by or people["ml_reviewer"],
            model_name="demand",
            model_version="3",
            trained_by=trained_by,
            decision=decision,
            reason=reason,
            evidence={"artifact_digest": digest},
            now=at,
            request_id="req-1",
        )

    return judge


@pytest.fixture
def promote(store, people, now):
    def request_promotion(*, by=None, trained_by="svc-trainer", digest=DIGEST, at=now, action="promote"):
        return permit_promotion(
            store,
            by or people["ml_reviewer"],
            model_name="demand",
            model_version="3",
            trained_by=trained_by,
            artifact_digest=digest,
            now=at,
            action=action,
            request_id="req-2",
        )

    return request_promotion


def actions(store):
    return [entry["action"] for entry in reversed(audit.read(store).items)]


def test_an_approved_artifact_may_score_and_the_audit_says_who(store, review, promote):
    approved = review()
    assert promote() == latest_review(store, "demand", "3") == approved
    entries = audit.read(store, object_id="model_version.demand/3").items
    assert [e["action"] for e in entries] == ["model.promote", "model.approve"]
    assert {e["actor"] for e in entries} == {"ml_reviewer"}
    assert entries[0]["after"] == {"review_id": approved.review_id, "artifact_digest": DIGEST}
    assert entries[1]["policy_ids"] == ["review-models"]
    assert audit.verify(store).holds


def test_nobody_approves_or_promotes_what_they_trained(store, people, review, promote):
    reviewer = people["ml_reviewer"]
    through = replace(reviewer, acting_service="svc-superset", scopes=frozenset({"decide"}))
    for who, trained_by in (
        (reviewer, "ml_reviewer"),
        (through, "ml_reviewer"),
        (through, "svc-superset"),
        (through, "somebody else"),  # judging a model is a person's own step
    ):
        with pytest.raises(ForbiddenError):
            review(by=who, trained_by=trained_by)
        with pytest.raises(ForbiddenError):
            promote(by=who, trained_by=trained_by)
    assert latest_review(store, "demand", "3") is None
    assert set(actions(store)) == {"model.refuse"}
    assert len(actions(store)) == 8


def test_only_reviewers_judge(people, pipeline, review, promote):
    review()
    for who in (people["analytics_engineer"], people["executive"], people["data_steward"], pipeline):
        with pytest.raises(ForbiddenError):
            review(by=who)
        with pytest.raises(ForbiddenError):
            promote(by=who)


@pytest.mark.parametrize("broken", [{"decision": "adopt"}, {"reason": "  "}, {"digest": ""}])
def test_a_judgement_needs_a_word_a_reason_and_an_artifact(store, review, broken):
    with pytest.raises(InvalidDecisionError):
        review(**broken)
    assert actions(store) == []


def test_without_approval_with_another_artifact_or_after_a_rejection_nothing_scores(review, promote, now):
    with pytest.raises(ConflictError, match="no approval"):
        promote()
    review()
    with pytest.raises(ConflictError, match="another artifact"):
        promote(digest=OTHER)
    review("reject", at=now + dt.timedelta(minutes=1))
    with pytest.raises(ConflictError, match="rejected last"):
        promote()


def test_evidence_gets_stale_but_the_way_back_stays_open(store, review, promote, now):
    review()
    edge = now + dt.timedelta(days=APPROVAL_DAYS)
    assert promote(at=edge)
    with pytest.raises(ConflictError, match="stale"):
        promote(at=edge + dt.timedelta(seconds=1))
    assert promote(at=edge + dt.timedelta(days=300), action="rollback")
    assert actions(store) == ["model.approve", "model.promote", "model.refuse", "model.rollback"]


def test_a_rejection_at_the_last_moment_wins(store, review, promote, monkeypatch):
    """Somebody rejects after the promotion was asked for and before its transaction begins."""
    review()
    begin, rejected = store.write, []

    def after_a_rejection():
        if not rejected:
            rejected.append(True)
            review("reject")
        return begin()

    monkeypatch.setattr(store, "write", after_a_rejection)
    with pytest.raises(ConflictError, match="rejected last"):
        promote()
    assert actions(store) == ["model.approve", "model.reject", "model.refuse"]


def test_no_promotion_follows_a_rejection(store, review, promote, now):
    """Promoters and a reviewer who changes their mind, all at once."""
    review()

    def rejecting():
        review("reject", at=now + dt.timedelta(seconds=1))

    def promoting():
        with suppress(ConflictError):
            promote(at=now + dt.timedelta(seconds=2))

    steps = [promoting] * 12
    steps.insert(6, rejecting)
    with ThreadPoolExecutor(len(steps)) as pool:
        for done in [pool.submit(step) for step in steps]:
            done.result()
    entries = actions(store)
    assert sorted(set(entries) - {"model.promote", "model.refuse"}) == ["model.approve", "model.reject"]
    assert "model.promote" not in entries[entries.index("model.reject") :]
    assert audit.verify(store).holds


def test_a_refusal_is_audited_with_its_reason(store, promote):
    with pytest.raises(ConflictError):
        promote(digest=OTHER)
    (entry,) = audit.read(store).items
    assert (entry["action"], entry["actor"], entry["role"]) == ("model.refuse", "ml_reviewer", "ml_reviewer")
    assert entry["reason"].startswith("promote: ")
    assert entry["after"] == {"artifact_digest": OTHER}
    assert entry["request_id"] == "req-2"


def test_no_audit_no_judgement(sqlite_store, people, now, monkeypatch):
    def broken(*_args, **_more):
        raise OSError("disk full")

    monkeypatch.setattr(audit, "append", broken)
    with pytest.raises(OSError, match="disk full"):
        review_model(
            sqlite_store,
            people["ml_reviewer"],
            model_name="demand",
            model_version="3",
            trained_by="x",
            decision="approve",
            reason="good",
            evidence={"artifact_digest": DIGEST},
            now=now,
        )
    assert latest_review(sqlite_store, "demand", "3") is None
