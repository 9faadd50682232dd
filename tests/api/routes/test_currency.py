"""Amounts say their currency: the demo's are dollars; a retailer who names none has XXX, not dollars."""

from __future__ import annotations

import pytest

from api.settings import Settings
from api.wiring import Services


@pytest.mark.parametrize(("text", "currency"), [("currency: JPY", "JPY"), ("name: Shop", "XXX")])
def test_the_currency_is_that_of_the_retailer(tmp_path, text, currency):
    (tmp_path / "retailer.yaml").write_text(text)
    settings = Settings(var_dir=tmp_path / "var", source=str(tmp_path))
    assert Services.from_settings(settings).currency == currency


def test_lists_and_sums_say_it(client, sign_in):
    headers = sign_in("finance_controller")
    for path in ("/v1/recommendations", "/v1/recommendations/impact"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["currency"] == "USD"
