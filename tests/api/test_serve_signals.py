"""A server stops when it is told to, also where a shell has made it deaf to Ctrl-C."""

import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT

_SCRIPT = """
from api.serve import heed_signals, wait_for_interrupt
heed_signals()
print("waiting", flush=True)
wait_for_interrupt()
print("stopped", flush=True)
"""


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_the_background_too(told):
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as `command &` in a script does
    )
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(told)
    assert process.communicate(timeout=10)[0] == "stopped\n"
    assert process.returncode == 0
