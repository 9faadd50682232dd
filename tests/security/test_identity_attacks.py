"""Tokens and keys that must not open anything."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import stat
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.errors import (
    ForbiddenError,
    InvalidDecisionError,
    NotAuthenticatedError,
    NotFoundError,
    StoreUnavailableError,
)
from governance.identity import (
    Directory,
    LocalIssuer,
    Principal,
    RemoteKeys,
    TokenVerifier,
    delegate,
    issue_service_key,
    revoke_service_key,
    verify_service_key,
)
from governance.store import OpsStore
from governance.store.migrate import upgrade

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def directory():
    return Directory.load()


@pytest.fixture
def issuer(tmp_path):
    return LocalIssuer(tmp_path / "keys")


@pytest.fixture
def verifier(issuer, directory):
    return TokenVerifier(
        issuer=issuer.issuer, audience=issuer.audience, keys=issuer.jwks(), directory=directory
    )


def _claims(issuer, **changes):
    at = int(NOW.timestamp())
    good = {
        "iss": issuer.issuer, "aud": issuer.audience, "sub": "executive", "jti": "1",
        "iat": at, "nbf": at, "exp": at + 600,
    }  # fmt: skip
    return {name: value for name, value in (good | changes).items() if value is not None}


def _signed(issuer, key=None, algorithm="EdDSA", headers=None, **changes):
    headers = {"kid": issuer.key_id} if headers is None else headers
    return jwt.encode(_claims(issuer, **changes), key or issuer._key, algorithm=algorithm, headers=headers)


def test_a_good_token_names_its_person(issuer, verifier):
    assert verifier.verify(_signed(issuer), now=NOW).user == "executive"
    assert verifier.verify(issuer.issue("planner_east", now=NOW), now=NOW).regions == {"East"}


AT = int(NOW.timestamp())
BAD = {
    "another audience": {"aud": "somebody"},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://evil"},
    "expired": {"exp": AT - 31},
    "not yet": {"nbf": AT + 31},
    "issued later": {"iat": AT + 31},
    "never expires": {"exp": None},
    "no nbf": {"nbf": None},
    "no id": {"jti": None},
    "empty id": {"jti": ""},
    "no subject": {"sub": None},
    "a subject that would be code": {"sub": 'x" || true || "'},
    "unknown subject": {"sub": "nobody"},
    "a service as subject": {"sub": "pipeline"},
    "infinite": {"exp": float("inf")},
    "expiry as text": {"exp": "9999999999"},
    "expiry as truth": {"exp": True},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_bad_claims(issuer, verifier, changes):
    try:
        token = _signed(issuer, **changes)
    except (TypeError, ValueError):
        pytest.skip("cannot even be encoded")
    with pytest.raises(NotAuthenticatedError, match="The token is not valid"):
        verifier.verify(token, now=NOW)


def test_leeway_is_at_most_a_minute(issuer, directory):
    generous = TokenVerifier(
        issuer=issuer.issuer, audience=issuer.audience, keys=issuer.jwks(), directory=directory, leeway=HOUR
    )
    assert generous.verify(_signed(issuer, exp=AT - 59), now=NOW)
    with pytest.raises(NotAuthenticatedError):
        generous.verify(_signed(issuer, exp=AT - 61), now=NOW)


def _b64(content):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_no_algorithm(issuer, verifier):
    for alg in ("none", "None", "NONE", ""):
        token = f"{_b64({'alg': alg, 'kid': issuer.key_id})}.{_b64(_claims(issuer))}."
        with pytest.raises(NotAuthenticatedError):
            verifier.verify(token, now=NOW)


def test_the_public_key_as_a_shared_secret(issuer, verifier):
    public = issuer._key.public_key()
    forms = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw),
        issuer.jwks()["keys"][0]["x"].encode(),
    ]
    for secret in forms:
        for alg in ("HS256", "EdDSA"):
            body = f"{_b64({'alg': alg, 'kid': issuer.key_id})}.{_b64(_claims(issuer))}"
            signature = hmac.new(secret, body.encode(), hashlib.sha256).digest()
            with pytest.raises(NotAuthenticatedError):
                verifier.verify(f"{body}.{_b64(signature)}", now=NOW)


def test_another_key(issuer, verifier):
    other = Ed25519PrivateKey.generate()
    numbers = {
        "kid": issuer.key_id,
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        "jku": "https://evil/jwks",
    }
    for headers in ({"kid": issuer.key_id}, {"kid": "../../dev/null"}, {}, numbers):
        with pytest.raises(NotAuthenticatedError):
            verifier.verify(_signed(issuer, key=other, headers=headers), now=NOW)


def test_another_algorithm_than_the_pinned_one(issuer, directory):
    key = rsa.generate_private_key(65537, 2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "r"}
    pinned = TokenVerifier(
        issuer=issuer.issuer, audience=issuer.audience, keys={"keys": [jwk]}, directory=directory
    )
    with pytest.raises(NotAuthenticatedError):
        pinned.verify(_signed(issuer, key=key, algorithm="RS256", headers={"kid": "r"}), now=NOW)
    remote = TokenVerifier(
        issuer=issuer.issuer,
        audience=issuer.audience,
        keys={"keys": [jwk]},
        directory=directory,
        algorithm="RS256",
    )
    assert remote.verify(_signed(issuer, key=key, algorithm="RS256", headers={"kid": "r"}), now=NOW)
    for algorithm in ("HS256", "none"):
        with pytest.raises(NotAuthenticatedError):
            TokenVerifier(issuer="i", audience="a", keys={"keys": []}, algorithm=algorithm)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é.é.é", "x" * 100_000, '{"alg":"none"}'])
def test_garbage(verifier, token):
    with pytest.raises(NotAuthenticatedError):
        verifier.verify(token, now=NOW)


def test_changed_payload(issuer, verifier):
    head, _, signature = _signed(issuer).split(".")
    with pytest.raises(NotAuthenticatedError):
        verifier.verify(f"{head}.{_b64(_claims(issuer, sub='data_steward'))}.{signature}", now=NOW)


def test_remote_keys_rotate_and_made_up_ids_cost_one_fetch(issuer, directory):
    calls = []

    def fetch():
        calls.append(1)
        return issuer.jwks()

    verifier = TokenVerifier(
        issuer=issuer.issuer, audience=issuer.audience, keys=RemoteKeys(fetch), directory=directory
    )
    assert verifier.verify(_signed(issuer), now=NOW)
    for number in range(50):
        with pytest.raises(NotAuthenticatedError):
            verifier.verify(_signed(issuer, headers={"kid": f"made-up-{number}"}), now=NOW)
    assert len(calls) == 1


def test_claims_of_a_foreign_issuer_become_attributes(issuer):
    verifier = TokenVerifier(issuer=issuer.issuer, audience=issuer.audience, keys=issuer.jwks())
    who = verifier.verify(
        _signed(issuer, sub="ann", steelyard={"role": "planner", "regions": ["East"]}), now=NOW
    )
    assert (who.role, who.regions, who.departments) == ("planner", {"East"}, frozenset())
    for attributes in (
        None,
        {},
        {"role": "root"},
        {"role": "planner", "regions": "East"},
        {"role": ["planner"]},
    ):
        with pytest.raises(NotAuthenticatedError):
            verifier.verify(_signed(issuer, sub="ann", steelyard=attributes), now=NOW)


def test_the_local_issuer_is_private_and_not_for_production(tmp_path):
    first = LocalIssuer(tmp_path / "k")
    path = tmp_path / "k" / "local_issuer.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert LocalIssuer(tmp_path / "k").key_id == first.key_id
    with pytest.raises(ForbiddenError, match="production"):
        LocalIssuer(tmp_path / "k", production=True)
    path.chmod(0o644)
    with pytest.raises(StoreUnavailableError, match="read by others"):
        LocalIssuer(tmp_path / "k")


@pytest.fixture
def store(tmp_path):
    opened = OpsStore(f"sqlite:///{tmp_path}/ops.db")
    upgrade(opened)
    return opened


def _issue(store, directory, service="svc-superset", scopes=("delegate",), lifetime=HOUR):
    return issue_service_key(
        store,
        service,
        scopes=scopes,
        lifetime=lifetime,
        created_by="data_steward",
        directory=directory,
        now=NOW,
    )


def test_service_keys_expire_are_revoked_and_are_not_stored(store, directory, tmp_path):
    key = _issue(store, directory)
    _, key_id, secret = key.split(".")
    assert verify_service_key(store, key, directory=directory, now=NOW).scopes == {"delegate"}
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("ops.db*"))
    assert secret.encode() not in stored
    bad = ["", "steelyard", key[:-1], key + "x", f"other.{key_id}.{secret}", f"steelyard.{key_id}.", "a.b.c"]
    for wrong in bad:
        with pytest.raises(NotAuthenticatedError):
            verify_service_key(store, wrong, directory=directory, now=NOW)
    for when in (NOW + HOUR, NOW - HOUR):
        with pytest.raises(NotAuthenticatedError):
            verify_service_key(store, key, directory=directory, now=when)
    revoke_service_key(store, key_id, revoked_by="data_steward", now=NOW)
    with pytest.raises(NotAuthenticatedError):
        verify_service_key(store, key, directory=directory, now=NOW)
    with pytest.raises(NotFoundError):
        revoke_service_key(store, key_id, revoked_by="data_steward", now=NOW)


def test_silly_keys_are_not_issued(store, directory):
    for scopes, lifetime in (((), HOUR), (("root",), HOUR), (("read",), HOUR * 9000), (("read",), -HOUR)):
        with pytest.raises(InvalidDecisionError):
            _issue(store, directory, scopes=scopes, lifetime=lifetime)
    with pytest.raises(NotFoundError):
        _issue(store, directory, service="executive")


def test_only_named_services_act_for_people_and_only_with_the_scope(directory):
    superset = replace(directory.service("svc-superset"), scopes=frozenset({"delegate"}))
    for_ann = delegate(superset, "executive", directory)
    assert (for_ann.role, for_ann.actor, for_ann.on_behalf_of) == ("executive", "svc-superset", "executive")
    erp = replace(directory.service("erp"), scopes=frozenset({"delegate"}))
    unscoped = directory.service("svc-superset")
    person = directory.user("executive")
    for who, whom in (
        (erp, "executive"),
        (unscoped, "executive"),
        (person, "planner_east"),
        (for_ann, "planner_east"),
        (superset, "integrator"),
        (superset, "guest_user"),
        (superset, "pipeline"),
        (superset, "svc-superset"),
    ):
        with pytest.raises(ForbiddenError):
            delegate(who, whom, directory)


@pytest.mark.parametrize("name", ["", 'x"', "x\\", "x\n", "x" * 129, "x\u202e"])
def test_names_that_could_be_code_are_refused(name):
    with pytest.raises(NotAuthenticatedError):
        Principal(name, "planner")
