"""The demo's own token issuer: an Ed25519 key below the state folder; refused in production."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import uuid
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.errors import ForbiddenError, StoreUnavailableError
from governance.json_types import JsonDict

ALGORITHM = "EdDSA"
ISSUER = "https://steelyard.local"
AUDIENCE = "steelyard"


class LocalIssuer:
    """Signs tokens with the key in `keys/local_issuer.pem` (made on first use, mode 0600).

    Raises ForbiddenError when `production` is set: there, people come from the retailer's identity provider.
    """

    def __init__(
        self, keys: Path, *, issuer: str = ISSUER, audience: str = AUDIENCE, production: bool = False
    ) -> None:
        if production:
            raise ForbiddenError(
                "The local token issuer does not run in production.",
                hint="configure an OIDC issuer, its audience and its JWKS address",
            )
        self.issuer = issuer
        self.audience = audience
        self._key = _load_or_create(keys / "local_issuer.pem")
        public = self._key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        self._x = base64.urlsafe_b64encode(public).decode().rstrip("=")
        self.key_id = hashlib.sha256(public).hexdigest()[:16]

    def issue(self, user: str, *, now: dt.datetime, lifetime: dt.timedelta = dt.timedelta(hours=8)) -> str:
        """A token for `user`. It names the person only; attributes are looked up at every request."""
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": user,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now.astimezone(dt.UTC) + lifetime).timestamp()),
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self.key_id})

    def jwks(self) -> JsonDict:
        """The public key, as a JSON Web Key Set."""
        key = {"kty": "OKP", "crv": "Ed25519", "x": self._x, "kid": self.key_id}
        return {"keys": [key | {"use": "sig", "alg": ALGORITHM}]}


def _load_or_create(path: Path) -> Ed25519PrivateKey:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write_once(path, pem)
    if path.stat().st_mode & 0o077:
        raise StoreUnavailableError(f"The key {path.name} can be read by others.", hint=f"chmod 600 {path}")
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreUnavailableError(f"The key {path.name} is not an Ed25519 key.")
    return key


def _write_once(path: Path, pem: bytes) -> None:
    """Whole or not at all, and the first of two processes wins."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, pem)
        os.fsync(descriptor)
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        temporary.unlink()
