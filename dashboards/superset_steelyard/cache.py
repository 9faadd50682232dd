"""Superset's data cache, divided by reader and release.

Superset can add the user to a chart's cache key, but its older chart endpoint does not, and neither knows of
releases. Here the division is below both: a key is always the reader's own, and nobody's answer is kept
where nobody is signed in. So a reader cannot meet another's numbers, nor an older release's.
"""

from __future__ import annotations

import hashlib

from flask import Flask
from flask_caching.backends import FileSystemCache, NullCache, RedisCache
from flask_caching.backends.base import BaseCache

from .errors import Error
from .json_types import Json
from .pages import release_for, signed_in_user


class PerReaderCache(BaseCache):
    """A cache around another: every key belongs to the signed-in reader and the release they see."""

    def __init__(self, inner: BaseCache) -> None:
        super().__init__(default_timeout=inner.default_timeout)
        self.inner = inner

    def get(self, key: str) -> object:
        own = _own(key)
        return None if own is None else self.inner.get(own)

    def set(self, key: str, value: object, timeout: int | None = None) -> bool | None:
        own = _own(key)
        return False if own is None else self.inner.set(own, value, timeout)

    def add(self, key: str, value: object, timeout: int | None = None) -> bool | None:
        own = _own(key)
        return False if own is None else self.inner.add(own, value, timeout)

    def has(self, key: str) -> bool:
        own = _own(key)
        return False if own is None else bool(self.inner.has(own))

    def delete(self, key: str) -> bool:
        own = _own(key)
        return False if own is None else bool(self.inner.delete(own))

    def clear(self) -> bool:
        return bool(self.inner.clear())


def on_disk(app: Flask, config: object, args: list[object], kwargs: Json) -> PerReaderCache:
    """For one machine: `CACHE_TYPE = "superset_steelyard.cache.on_disk"`."""
    return PerReaderCache(FileSystemCache.factory(app, config, args, kwargs))


def in_redis(app: Flask, config: object, args: list[object], kwargs: Json) -> PerReaderCache:
    """For several: `CACHE_TYPE = "superset_steelyard.cache.in_redis"`."""
    return PerReaderCache(RedisCache.factory(app, config, args, kwargs))


def keeps_readers_apart(backend: object) -> bool:
    """Whether a data cache cannot hand one reader's answer to another."""
    return isinstance(backend, (PerReaderCache, NullCache))


def _own(key: str) -> str | None:
    """The reader's own key, or None if nobody is signed in or the API is away."""
    user = signed_in_user()
    if user is None:
        return None
    try:
        release = release_for(user)
    except Error:
        return None
    return hashlib.sha256(repr((user, release, str(key))).encode()).hexdigest()
