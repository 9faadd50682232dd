"""The door itself: how often, how much, how deep, from where, and what is left in the logs."""

import io
import json
import logging

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth.log_redaction import RedactingFormatter, redact_logs, redacted
from api.middleware import MAX_BODY_BYTES
from api.settings import Settings

TOTAL = "SELECT MEASURE(net_sales)"


@pytest.fixture
def strict(settings):
    """Three requests a minute."""
    with TestClient(create_app(settings.model_copy(update={"requests_per_minute": 3}))) as client:
        yield client


def test_each_identity_has_a_limit_of_its_own(strict, sign_in):
    answers = [strict.get("/v1/metrics", headers=sign_in("planner_east")) for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "too-many-requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    assert strict.get("/v1/metrics", headers=sign_in("planner_west")).status_code == 200
    assert strict.get("/healthz").status_code == 200
    other = sign_in("planner_east") | {"X-Forwarded-For": "10.0.0.1", "X-Request-ID": "fresh"}
    assert strict.get("/v1/metrics", headers=other).status_code == 429  # another token, the same person


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
def test_a_body_has_a_size(client, sign_in, declared):
    headers = sign_in("executive") | {"Content-Type": "application/json"}
    whole = b'{"metrics": ["' + b"x" * MAX_BODY_BYTES + b'"]}'
    body = whole if declared else (whole[i : i + 65536] for i in range(0, len(whole), 65536))
    answer = client.post("/v1/query", content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert answer.headers["x-content-type-options"] == "nosniff"


DEEP = {
    "parentheses": "SELECT " + "(" * 3000 + "1" + ")" * 3000 + " FROM metrics",
    "subqueries": "SELECT * FROM (" * 2000 + TOTAL + " FROM metrics" + ") AS t" * 2000,
    "sums": TOTAL + "+1" * 9000 + " AS x FROM metrics",
    "nots": TOTAL + " FROM metrics WHERE " + "NOT " * 5000 + "true",
    "cases": "SELECT " + "CASE WHEN true THEN " * 2000 + "1" + " END" * 2000 + " AS x FROM metrics",
}


@pytest.mark.parametrize("sql", DEEP.values(), ids=DEEP)
def test_depth_is_refused_and_never_a_crash(client, sign_in, sql):
    answer = client.post("/v1/sql", json={"sql": sql}, headers=sign_in("executive"))
    assert answer.status_code == 400, answer.text[:300]


@pytest.mark.parametrize("connector", ["AND", "OR"])
def test_a_long_chain_of_conditions_is_flat(client, sign_in, connector):
    """What tools write for hundreds of values is no depth: it answers as one of the conditions does."""
    condition = "location__region = 'East'"
    answers = [
        client.post(
            "/v1/sql",
            json={"sql": f"{TOTAL} FROM metrics WHERE " + f" {connector} ".join([condition] * number)},
            headers=sign_in("executive"),
        )
        for number in (1, 2500)
    ]
    assert [answer.status_code for answer in answers] == [200, 200], answers[1].text[:300]
    assert answers[0].json()["rows"] == answers[1].json()["rows"]


def test_deep_filters_and_names(client, sign_in):
    region = "{{ Dimension('location__region') }} = 'East'"
    for where in (
        "(" * 3000 + region + ")" * 3000,
        " OR ".join([region] * 200),
        region + " AND NOT true" * 400,
    ):
        body = {"metrics": ["net_sales"], "where": [where[:10_000]]}
        assert client.post("/v1/query", json=body, headers=sign_in("executive")).status_code in (200, 400)
    body = {"metrics": ["net_sales"], "group_by": ["__".join(["location"] * 50)]}
    assert client.post("/v1/query", json=body, headers=sign_in("executive")).status_code == 400


def test_no_other_site_may_read_answers(client, sign_in):
    origin = {"Origin": "https://evil.example"}
    asked = client.options(
        "/v1/query",
        headers=origin
        | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"},
    )
    read = client.get("/v1/metrics", headers=sign_in("executive") | origin)
    for answer in (asked, read):
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert asked.status_code == 405


def test_every_answer_has_the_headers(settings, sign_in, monkeypatch):
    app = create_app(settings)
    monkeypatch.setattr(app.state.services.metrics, "describe_metrics", lambda *_: 1 / 0)
    with TestClient(app, raise_server_exceptions=False) as client:
        answers = [
            client.get("/v1/metrics", headers=sign_in("executive")),
            client.get("/v1/releases", headers=sign_in("executive")),
            client.get("/nowhere"),
            client.get("/v1/metrics"),
        ]
    assert [a.status_code for a in answers] == [500, 200, 404, 401]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers
    assert "ZeroDivision" not in answers[0].text


def test_production_asks_for_https(settings):
    from fastapi import FastAPI

    from api.middleware import add_middleware

    app = FastAPI()
    add_middleware(app, strict_transport=True)
    assert "max-age" in TestClient(app).get("/").headers["strict-transport-security"]


SECRET = {
    "a service key": "steelyard.0123456789abcdef.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-AbCdE",
    # pragma: allowlist nextline secret
    "a token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJleGVjdXRpdmUifQ.c2lnbmF0dXJlLW9mLWl0",
    "a password in an address": "pa55w0rd-of-the-store",
    "a mail address": "ann.smith@retailer.example",
    "a query": "category=secret-plan",
}
LINES = [
    "refused Authorization: Bearer {a service key}",
    "{{'authorization': 'Bearer {a token}'}}",
    "cannot reach postgresql+psycopg://steelyard:{a password in an address}@db:5432/ops",
    "signed in {a mail address}",
    '127.0.0.1:5000 - "GET /v1/recommendations?{a query} HTTP/1.1" 200',
    "key={a service key} token={a token}",
]


@pytest.mark.parametrize("line", LINES)
def test_logs_hold_no_secret(line):
    text = line.format(**SECRET)
    logged = redacted(text)
    assert logged != text
    assert not [secret for secret in SECRET.values() if secret in logged]


def logged_by(write):
    """What a logger writes by our formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter(logging.Formatter("%(levelname)s %(message)s")))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    write(logger)
    return stream.getvalue()


FORGED = "SELECT 1\nINFO admin signed in\r\nINFO again\x1b[2K\u2028INFO once more"


def test_a_request_cannot_begin_a_line_of_the_log():
    assert len(logged_by(lambda logger: logger.warning("cannot read %s", FORGED)).splitlines()) == 1

    def fail(logger):
        try:
            raise ValueError(FORGED)
        except ValueError:
            logger.exception("failed")

    lines = logged_by(fail).splitlines()
    assert len(lines) > 3
    assert not [line for line in lines[1:] if not line.startswith("    | ")]


def test_an_entry_is_one_object_where_that_is_asked():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter(None, as_json=True))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise ValueError(FORGED + SECRET["a token"])
    except ValueError:
        logger.exception("cannot read %s %s", FORGED, SECRET["a service key"], stack_info=True)
    assert len(stream.getvalue().splitlines()) == 1
    entry = json.loads(stream.getvalue())
    assert entry.keys() == {"time", "level", "logger", "message", "trace"}
    assert FORGED in entry["message"] and "Traceback" in entry["trace"] and "Stack" in entry["trace"]
    assert not [secret for secret in SECRET.values() if secret in stream.getvalue()]


def test_production_tells_strangers_no_calls(tmp_path):
    oidc = {
        "mode": "production", "audit_key": "x" * 40, "oidc_issuer": "https://issuer.test",
        "oidc_jwks_url": "https://issuer.test/keys",
    }  # fmt: skip
    for described, settings in ((False, oidc), (True, oidc | {"api_docs": True}), (True, {})):
        app = create_app(Settings(var_dir=tmp_path, **settings))
        client = TestClient(app, raise_server_exceptions=False)
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert client.get(path).status_code == (200 if described else 404), (path, settings)
        missing = client.get("/no-such-call").json()
        assert ("/docs" in missing["hint"]) == described
        app.state.services.close()


def test_warnings_of_libraries_are_redacted(monkeypatch, capsys):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    redact_logs()
    logging.getLogger("sqlglot").warning("cannot parse key=%s\nINFO forged", SECRET["a service key"])
    written = capsys.readouterr().err
    assert "cannot parse" in written
    assert SECRET["a service key"] not in written
    assert len(written.splitlines()) == 1


def test_tracebacks_are_blotted_too():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter(logging.Formatter("%(message)s")))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise ValueError(SECRET["a token"])
    except ValueError:
        logger.exception("failed with %s", SECRET["a service key"])
    assert "ValueError" in stream.getvalue()
    assert not [secret for secret in SECRET.values() if secret in stream.getvalue()]


def test_the_access_log_keeps_its_own_format():
    from uvicorn.logging import AccessFormatter

    inner = AccessFormatter('%(client_addr)s "%(request_line)s" %(status_code)s', use_colors=False)
    call = ("127.0.0.1:1", "POST", "/v1/sql?token=x", "1.1", 200)
    record = logging.LogRecord("uvicorn.access", 20, "", 0, '%s - "%s %s HTTP/%s" %d', call, None)
    line = RedactingFormatter(inner).format(record)
    assert line.startswith('127.0.0.1:1 "POST /v1/sql?[…]')
