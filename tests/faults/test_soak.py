"""While releases are published the API answers without an error, without a mix of two, and without growing.

Twenty seconds here, two minutes in `make test-full`, as many as `STEELYARD_SOAK_SECONDS` says; ten minutes in
`make bench ONLY=faults`.
"""

from __future__ import annotations

import os

from tests.faults.soak import soak
from tests.seeds import sample

SECONDS = float(os.environ.get("STEELYARD_SOAK_SECONDS") or sample(20, full=120))


def test_releases_are_published_under_load(tmp_path):
    seen = soak(tmp_path, seconds=SECONDS, publish_every=1.5 if SECONDS < 60 else 5)
    megabytes, descriptors = seen.growth()
    print(
        f"{len(seen.seconds)} answers over {seen.publishes} publishes, p50 {seen.at(0.5):.0f} ms, "
        f"p99 {seen.at(0.99):.0f} ms; grown by {megabytes:.1f} MB and {descriptors} descriptors, "
        f"at most {max(mb for _, mb, _ in seen.samples):.0f} MB and {max(n for _, _, n in seen.samples)}"
    )
    assert not seen.errors, seen.errors[:3]
    assert not seen.mixed, seen.mixed[:3]
    assert seen.publishes >= 5 and len(seen.seconds) > 100
    assert seen.at(0.99) < 1500  # a busy machine's; the bench says what a quiet one takes
    assert megabytes < 40
    assert descriptors <= 6
