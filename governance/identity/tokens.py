"""Check a token: signature by a known key, one pinned algorithm, issuer, audience, and its time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import Any

import jwt

from governance.errors import NotAuthenticatedError, NotFoundError
from governance.identity.directory import Directory
from governance.identity.principal import Principal
from governance.json_types import JsonDict, JsonObject

_KEY_TYPE = {"EdDSA": "OKP", "RS256": "RSA", "ES256": "EC"}  # no HS*: a public key must never be a secret
_REQUIRED = ("iss", "aud", "sub", "exp", "nbf", "iat", "jti")
_MAX_LEEWAY = dt.timedelta(seconds=60)
_AGAIN = "it may have expired: sign in again; on the demo `steelyard auth token USER` prints another"
_REFETCH_AFTER = dt.timedelta(seconds=60)


class RemoteKeys:
    """The JWKS of an issuer, fetched again when a token names a key that is not known yet.

    `fetch` returns the key set as a dict; at most one fetch a minute, so that made-up key ids cost nothing.
    """

    def __init__(self, fetch: Callable[[], JsonObject]) -> None:
        self._fetch = fetch
        self._keys: JsonObject = {"keys": []}
        self._fetched: dt.datetime | None = None

    def __call__(self, key_id: str, now: dt.datetime) -> JsonObject:
        is_known = any(key.get("kid") == key_id for key in self._keys["keys"])
        waited = self._fetched is None or abs(now - self._fetched) >= _REFETCH_AFTER  # the clock may go back
        if not is_known and waited:
            self._keys = self._fetch()
            self._fetched = now
        return self._keys


class TokenVerifier:
    """Turns tokens of one issuer into principals.

    `keys` is a JWKS dict, or RemoteKeys. With a `directory` attributes come from there, at every request, so
    that a change or a removal takes effect at once; without, from the claim named `attributes_claim`.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        keys: JsonObject | RemoteKeys,
        algorithm: str = "EdDSA",
        directory: Directory | None = None,
        attributes_claim: str = "steelyard",
        leeway: dt.timedelta = dt.timedelta(seconds=30),
    ) -> None:
        if algorithm not in _KEY_TYPE:
            raise NotAuthenticatedError(f"Tokens signed with {algorithm!r} are not accepted.")
        self.issuer = issuer
        self.audience = audience
        self.algorithm = algorithm
        self._keys = keys
        self._directory = directory
        self._attributes_claim = attributes_claim
        self._leeway = min(leeway, _MAX_LEEWAY)

    def verify(self, token: str, *, now: dt.datetime) -> Principal:
        """Raises NotAuthenticatedError, always with the same sentence: why is not the caller's business."""
        try:
            claims = self._claims(token, now)
            self._check_time(claims, now)
            return self._principal(claims)
        except (
            jwt.PyJWTError,
            NotAuthenticatedError,
            NotFoundError,
            KeyError,
            TypeError,
            ValueError,
        ) as error:
            raise NotAuthenticatedError("The token is not valid.", hint=_AGAIN) from error

    def _claims(self, token: str, now: dt.datetime) -> JsonDict:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != self.algorithm:
            raise NotAuthenticatedError("Another algorithm.")
        options = {"require": list(_REQUIRED), "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        return jwt.decode(
            token,
            self._key(str(header["kid"]), now),
            algorithms=[self.algorithm],
            issuer=self.issuer,
            audience=self.audience,
            options=options,  # type: ignore[arg-type]
        )

    def _key(self, key_id: str, now: dt.datetime) -> Any:
        keys = self._keys(key_id, now) if isinstance(self._keys, RemoteKeys) else self._keys
        matching: Sequence[JsonObject] = [key for key in keys["keys"] if key.get("kid") == key_id]
        if len(matching) != 1 or matching[0].get("kty") != _KEY_TYPE[self.algorithm]:
            raise NotAuthenticatedError("No such key.")
        if matching[0].get("use", "sig") != "sig" or matching[0].get("alg", self.algorithm) != self.algorithm:
            raise NotAuthenticatedError("A key for something else.")
        return jwt.PyJWK.from_dict(dict(matching[0]), algorithm=self.algorithm).key

    def _check_time(self, claims: JsonObject, now: dt.datetime) -> None:
        at, leeway = now.timestamp(), self._leeway.total_seconds()
        times = [claims[name] for name in ("exp", "nbf", "iat")]
        if not all(type(time) in (int, float) and math.isfinite(time) for time in times):
            raise NotAuthenticatedError("Times must be numbers.")
        if at >= claims["exp"] + leeway or at < claims["nbf"] - leeway or at < claims["iat"] - leeway:
            raise NotAuthenticatedError("Too early or too late.")

    def _principal(self, claims: JsonObject) -> Principal:
        user, token_id = claims["sub"], claims["jti"]
        if not (isinstance(user, str) and user and isinstance(token_id, str) and token_id):
            raise NotAuthenticatedError("No subject.")
        if self._directory is None:
            return Principal.from_attributes(user, claims[self._attributes_claim], token_id=token_id)
        entry = self._directory.user(user)
        return Principal.from_attributes(user, self._directory.users[entry.user], token_id=token_id)
