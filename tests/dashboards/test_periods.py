"""Tiles that ask together read the same period."""

import subprocess

_ASKED_TOGETHER = """
import sys, threading
from superset.app import create_app
create_app()
from superset.utils import date_parser
sys.setswitchinterval(1e-6)

def told(rounds):
    found = set()
    def ask(start):
        start.wait()
        try: found.add(str(date_parser.datetime_eval("DATEADD(DATETIME('2017-12-31T00:00:00'), -1, day)")))
        except ValueError as error: found.add(str(error))
    for _ in range(rounds):
        start = threading.Barrier(8)
        threads = [threading.Thread(target=ask, args=(start,)) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    return sorted(found)

print("AS STARTED", told(20))
"""


def test_the_first_tiles_of_a_process_agree_on_their_period(site):
    """Superset's own parser is not safe while it is used for the first time; ours is used before."""
    done = subprocess.run(
        [str(site.dashboards.python), "-c", _ASKED_TOGETHER],
        env=site.dashboards.environment() | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert "AS STARTED ['2017-12-30 00:00:00']" in done.stdout, done.stderr[-2000:]
