"""A look-up that a reader may not see leaves the rows that look it up standing, with NULL beside them."""

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth.sign_in import local_issuer
from api.settings import Settings
from tests.security.small_release import write_release

BY_REASON = {"metrics": ["units_delivered"], "group_by": ["claim__reason"]}


@pytest.fixture(scope="module")
def query(tmp_path_factory):
    """Ask the real application over HTTP, on a release of four deliveries; rows sorted by text."""
    from datetime import UTC, datetime

    var = tmp_path_factory.mktemp("var")
    write_release(var, "small")
    settings = Settings(var_dir=var)
    issuer = local_issuer(settings)
    with TestClient(create_app(settings)) as client:

        def run(user, question):
            path, body = (
                ("/v1/sql", {"sql": question}) if isinstance(question, str) else ("/v1/query", question)
            )
            token = issuer.issue(user, now=datetime.now(UTC))
            answer = client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, answer.text
            return sorted(answer.json()["rows"], key=str)

        yield run


@pytest.mark.parametrize(
    "question",
    [BY_REASON, "SELECT claim__reason, MEASURE(units_delivered) FROM metrics GROUP BY claim__reason"],
    ids=["query", "sql"],
)
def test_rows_with_a_hidden_look_up_are_kept(query, question):
    """The category manager sees no meat: the delivery of meat is gone, the claim about meat is NULL."""
    assert query("category_manager", question) == [["broken", 1], [None, 6]]
    assert query("executive", question) == [["broken", 1], ["late", 8], ["recalled", 2], [None, 4]]


@pytest.mark.parametrize(
    "question",
    [{"metrics": ["units_delivered"]}, "SELECT MEASURE(units_delivered) FROM metrics"],
    ids=["query", "sql"],
)
def test_totals_do_not_depend_on_what_is_looked_up(query, question):
    assert query("category_manager", question) == [[7]]
    assert query("executive", question) == [[15]]


@pytest.mark.parametrize("where", ["= 'recalled'", "= 'nothing at all'"])
def test_a_hidden_value_filters_like_one_that_does_not_exist(query, where):
    assert query(
        "category_manager", {"metrics": ["units_delivered"], "where": [f"claim__reason {where}"]}
    ) == [[None]]
    sql = (
        f"SELECT claim__reason, MEASURE(units_delivered) FROM metrics WHERE claim__reason {where} GROUP BY 1"
    )
    assert query("category_manager", sql) == []


def test_values_of_a_hidden_look_up_do_not_show(query):
    assert query("category_manager", {"group_by": ["claim__reason"]}) == [["broken"], ["late"]]
    assert query("category_manager", "SELECT DISTINCT claim__reason FROM metrics") == [["broken"], ["late"]]
    assert query("category_manager", {"group_by": ["claim__reason"], "min_max_only": True}) == [
        ["broken", "late"]
    ]
