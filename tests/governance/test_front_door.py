"""The front door of governance: few names, each the one of its room, none loaded before it is used."""

import importlib
import subprocess
import sys

import pytest

import governance


@pytest.mark.parametrize("name", governance.__all__)
def test_each_name_is_that_of_a_room(name):
    room = importlib.import_module(f"governance.{governance._ROOMS[name]}")
    assert name in room.__all__ and getattr(governance, name) is getattr(room, name)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'governance' has no attribute 'Treasury'"):
        assert governance.Treasury


def test_importing_it_loads_no_room():
    code = "import governance, sys; print([m for m in sys.modules if m.startswith('governance.')])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
