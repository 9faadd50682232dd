"""The cache of plans: the least recently used goes first, and threads can share it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from semantic import MetricQuery, SemanticLayer
from semantic.ast.memoize import LeastRecentlyUsed


def test_the_least_recently_used_goes_first() -> None:
    cache: LeastRecentlyUsed[str] = LeastRecentlyUsed(2)
    cache.put("a", "A")
    cache.put("b", "B")
    assert cache.get("a") == "A"  # so b was used longer ago
    cache.put("c", "C")
    assert (cache.get("a"), cache.get("b"), cache.get("c"), len(cache)) == ("A", None, "C", 2)


def test_a_key_that_cannot_be_one_has_no_result() -> None:
    assert LeastRecentlyUsed[str](2).get(["a list"]) is None  # type: ignore[arg-type]


def test_threads_never_see_more_results_than_fit() -> None:
    cache: LeastRecentlyUsed[int] = LeastRecentlyUsed(8)

    def work(start: int) -> bool:
        for number in range(2000):
            key = (start * 7 + number) % 40
            cache.put(key, key)
            if cache.get((key + 1) % 40) not in (None, (key + 1) % 40) or len(cache) > 9:
                return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(8)))
    assert len(cache) == 8


def test_threads_that_share_a_layer_get_equal_plans(layer: SemanticLayer) -> None:
    queries = [
        MetricQuery(["net_sales"], [f"metric_time__{g}"]) for g in ("day", "week", "month", "year")
    ] * 8
    layer.forget_plans()
    with ThreadPoolExecutor(8) as threads:
        plans = list(threads.map(layer.compile, queries))
    assert len({p.sql for p in plans}) == 4
    assert layer.compile(queries[0]) is layer.compile(queries[0])
