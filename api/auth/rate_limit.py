"""How often one identity may ask: a person, a service, or a person through a service."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from api.errors import TooManyRequestsError
from governance.identity import Principal


@dataclass(frozen=True)
class RateLimit:
    """Counts requests in a sliding minute, in memory or where `storage` says (`redis://…`): see `limits`."""

    item: RateLimitItemPerMinute
    limiter: SlidingWindowCounterRateLimiter

    @classmethod
    def per_minute(cls, requests: int, storage: str = "memory://") -> RateLimit:
        return cls(
            RateLimitItemPerMinute(requests), SlidingWindowCounterRateLimiter(storage_from_string(storage))
        )

    def count(self, principal: Principal) -> None:
        """Count one request. Raises TooManyRequestsError, with the seconds to wait."""
        identity = "/".join(sorted(principal.identities))
        if not self.limiter.hit(self.item, identity):
            window = self.limiter.get_window_stats(self.item, identity)
            raise TooManyRequestsError(
                f"More than {self.item.amount} requests in a minute.",
                retry_after_seconds=max(1, math.ceil(window.reset_time - time.time())),
            )
