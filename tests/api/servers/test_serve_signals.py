"""A server stops on a signal, even if a shell has made it deaf to Ctrl-C."""

import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT

_SCRIPT = """
from api.servers.serve import install_signal_handlers, wait_for_interrupt
install_signal_handlers()
try:
    print("waiting", flush=True)
    wait_for_interrupt()
except KeyboardInterrupt:  # between the word and the waiting
    pass
print("stopped", flush=True)
"""


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_the_background_too(signal_number):
    process = subprocess.Popen(
        ["sh", "-c", 'trap \'\' INT; exec "$0" -c "$1"', sys.executable, _SCRIPT],  # as `command &` does
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal_number)
    assert process.communicate(timeout=10)[0] == "stopped\n"
    assert process.returncode == 0
