"""Signing in through an identity provider: code flow, PKCE, state and nonce, against one of our own."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import time
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import httpx2  # what Authlib talks with
import jwt
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi.testclient import TestClient

from api.app import create_app
from api.review import oidc
from api.review.session import COOKIE
from api.settings import Settings
from governance.identity.tokens import TokenVerifier

ISSUER = "https://idp.example"
PLANNER = {
    "role": "planner", "regions": ["East"], "stores": ["*"], "departments": ["*"], "banners": ["*"],
    "purposes": ["operations"], "approval_limit": 5000,
}  # fmt: skip


class Provider:
    """Hands out one code a departure, and checks the verifier as a provider does."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked: dict[str, str] = {}
        self.claims_sent: dict[str, str] = {}

    def jwks(self):
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": "k1", "use": "sig", "alg": "RS256"}]}

    def get(self, url, **_):
        bodies = {
            f"{ISSUER}/jwks": self.jwks(),
            f"{ISSUER}/.well-known/openid-configuration": {
                "authorization_endpoint": f"{ISSUER}/authorize", "token_endpoint": f"{ISSUER}/token",
            },
        }  # fmt: skip
        return httpx.Response(200, json=bodies[url], request=httpx.Request("GET", url))

    def token(self, request):
        form = dict(parse_qsl(request.content.decode()))
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if form["code"] != "the-code" or challenge != self.asked["code_challenge"]:
            return httpx2.Response(400, json={"error": "invalid_grant"})
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": "steelyard", "sub": "ann", "jti": "1", "iat": now, "nbf": now}
        claims |= {"exp": now + 600, "nonce": self.asked["nonce"], CLAIM: PLANNER} | self.claims_sent
        token = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "k1"})
        return httpx2.Response(200, json={"access_token": "a", "token_type": "Bearer", "id_token": token})


CLAIM = TokenVerifier.__init__.__kwdefaults__["attributes_claim"]


@pytest.fixture
def provider(monkeypatch):
    provider = Provider()
    transport = httpx2.MockTransport(provider.token)
    monkeypatch.setattr(httpx, "get", provider.get)
    monkeypatch.setattr(oidc, "OAuth2Client", functools.partial(OAuth2Client, transport=transport))
    oidc._endpoints.cache_clear()
    yield provider
    oidc._endpoints.cache_clear()


@pytest.fixture
def client(provider, tmp_path):
    settings = Settings(
        mode="production",
        var_dir=tmp_path,
        oidc_issuer=ISSUER,
        oidc_jwks_url=f"{ISSUER}/jwks",
        oidc_client_id="review",
    )
    with TestClient(create_app(settings), base_url="https://shop.example", follow_redirects=False) as opened:
        yield opened


def depart(client, provider):
    """To the provider; the state that it must give back."""
    assert 'href="/review/oidc"' in client.get("/review/sign-in").text
    answer = client.get("/review/oidc")
    url = urlsplit(answer.headers["location"])
    provider.asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ISSUER}/authorize"
    assert provider.asked["code_challenge_method"] == "S256" and provider.asked["response_type"] == "code"
    assert provider.asked["redirect_uri"] == "https://shop.example/review/oidc/callback"
    return provider.asked["state"]


def test_a_person_comes_back_signed_in(client, provider):
    state = depart(client, provider)
    back = client.get("/review/oidc/callback", params={"code": "the-code", "state": state})
    assert back.status_code == 200 and "Secure" in back.headers["set-cookie"]
    page = client.get("/review")
    assert page.status_code == 200 and "ann" in page.text
    assert "Nothing has been proposed yet" in page.text


@pytest.mark.parametrize(("claims_sent", "code", "state"), [
    ({}, "another-code", None),
    ({}, "the-code", "another-state"),
    ({"nonce": "another"}, "the-code", None),
    ({"aud": "another"}, "the-code", None),
    ({"iss": "https://evil.example"}, "the-code", None),
])  # fmt: skip
def test_nobody_comes_back_with_what_was_not_asked_for(claims_sent, code, state, client, provider):
    given = depart(client, provider)
    provider.claims_sent = claims_sent
    back = client.get("/review/oidc/callback", params={"code": code, "state": state or given})
    assert back.status_code == 401 and COOKIE + "=" not in back.headers.get("set-cookie", "")
    assert client.get("/review").headers["location"] == "/review/sign-in"


def test_the_demos_password_opens_nothing_here(client):
    answer = client.post("/review/sign-in", data={"user": "planner_east", "password": "x"})
    assert answer.status_code == 400
