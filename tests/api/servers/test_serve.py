"""Servers that cannot start say why before anything is started."""

import socket

import pytest

from api.errors import ServerFailedError
from api.servers.serve import serving
from api.settings import Settings


def test_an_address_that_this_machine_has_not(tmp_path):
    nowhere = Settings(var_dir=tmp_path, host="nowhere.invalid")
    with pytest.raises(ServerFailedError, match=r"nowhere\.invalid") as refused, serving(nowhere):
        pass
    assert "STEELYARD_HOST" in refused.value.hint


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = Settings(var_dir=tmp_path, api_port=port)
        with pytest.raises(ServerFailedError, match=str(port)) as refused, serving(taken):
            pass
    assert "STEELYARD_API_PORT" in refused.value.hint
