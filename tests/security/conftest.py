"""The application under attack: the same as the API's own tests use."""

from tests.api.conftest import cli, client, settings, sign_in

__all__ = ["cli", "client", "settings", "sign_in"]
