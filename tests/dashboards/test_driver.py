"""The dialect under the product's SQLAlchemy, over a stand-in for the HTTP interface."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
import requests
import sqlalchemy as sa

from dashboards.superset_steelyard import dbapi
from dashboards.superset_steelyard.client import Client
from dashboards.superset_steelyard.dialect import SteelyardDialect
from dashboards.superset_steelyard.end_user import EndUser
from dashboards.superset_steelyard.errors import InterfaceError, OperationalError, ProgrammingError

sa.dialects.registry.register("steelyard", SteelyardDialect.__module__, "SteelyardDialect")


class Wire:
    """What would go over HTTP, kept; answers with a table or a problem document."""

    def __init__(self):
        self.sent = []
        self.status = 200
        self.problem = {}
        self.table = pa.table(
            {
                "region": ["East", None],
                "day": pa.array([dt.date(2017, 1, 1), dt.date(2017, 1, 2)]),
                "net_sales": pa.array([Decimal("1.5000"), None], pa.decimal128(38, 4)),
            }
        )

    def request(self, method, url, headers, timeout, **more):
        self.sent.append((method, url, headers, more))
        answer = requests.Response()
        answer.status_code = self.status
        answer.headers["X-Steelyard-Release"] = "r1"
        if self.status != 200:
            import json

            answer._content = json.dumps(self.problem).encode()
            return answer
        if "/dimensions" in url:
            answer._content = b'{"items": [{"name": "metric_time", "type": "time", "description": "When."},'
            answer._content += b'{"name": "location__region", "type": "categorical"}]}'
            return answer
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.table.schema) as writer:
            writer.write_table(self.table)
        answer._content = sink.getvalue().to_pybytes()
        return answer


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def client(wire, tmp_path):
    (tmp_path / "key").write_text("steelyard.0.secret\n")
    client = Client("http://api", tmp_path / "key")
    client._local.session = wire
    return client


def engine(client, **arguments):
    return sa.create_engine("steelyard://", connect_args={"client": client, **arguments})


def test_rows_come_back_typed_and_in_the_readers_name(client, wire):
    with engine(client, end_user=EndUser("planner_east", "r1")).connect() as connection:
        rows = connection.exec_driver_sql("SELECT 1").all()
    assert rows == [("East", dt.date(2017, 1, 1), 1.5), (None, dt.date(2017, 1, 2), None)]
    _, url, headers, more = wire.sent[-1]
    assert url == "http://api/v1/sql"
    assert headers["Steelyard-On-Behalf-Of"] == "planner_east"
    assert headers["Authorization"] == "Bearer steelyard.0.secret"
    assert more["json"] == {"sql": "SELECT 1", "release": "r1"}
    assert more["allow_redirects"] is False


def test_nobody_signed_in_sees_nothing(client, wire):
    with (
        pytest.raises(sa.exc.InterfaceError, match="nobody is signed in"),
        engine(client).connect() as connection,
    ):
        connection.exec_driver_sql("SELECT 1")
    assert wire.sent == []


@pytest.mark.parametrize("someone", ["executive", {"name": "executive"}, ["executive", None]])
def test_a_connection_form_cannot_say_who_is_looking(client, someone):
    with pytest.raises(sa.exc.InterfaceError, match="cannot be set"):
        engine(client, end_user=someone).connect()


@pytest.mark.parametrize("setting", [{"user": "executive"}, {"release": "r0"}, {"url": "http://elsewhere"}])
def test_other_settings_are_refused(client, setting):
    with pytest.raises(sa.exc.InterfaceError, match="not accepted"):
        engine(client, **setting).connect()


@pytest.mark.parametrize(
    "address",
    [
        "steelyard://executive@",
        "steelyard://elsewhere:8000/",
        "steelyard:///?user=executive",
        "steelyard://h/db",
    ],
)
def test_the_address_holds_nothing(address):
    with pytest.raises(InterfaceError, match="nothing more"):
        sa.create_engine(address).connect()


def test_bind_parameters_are_refused(client):
    connection = engine(client, end_user=EndUser("executive")).connect()
    with pytest.raises(sa.exc.InterfaceError, match="Bind parameters"):
        connection.execute(sa.text("SELECT :a"), {"a": 1})


@pytest.mark.parametrize(
    ("status", "kind"), [(400, ProgrammingError), (403, ProgrammingError), (504, OperationalError)]
)
def test_a_refusal_is_the_apis_sentence(client, wire, status, kind):
    wire.status, wire.problem = status, {"detail": "JOIN is not understood.", "hint": "Write FROM metrics"}
    with pytest.raises(kind) as refused:
        dbapi.connect(end_user=EndUser("executive"), client=client).cursor().execute("SELECT 1")
    assert str(refused.value) == "JOIN is not understood. Write FROM metrics."


def test_the_table_is_the_dimensions_the_reader_may_see(client):
    inspector = sa.inspect(engine(client, end_user=EndUser("executive")))
    assert inspector.get_table_names() == ["metrics"]
    columns = inspector.get_columns("metrics")
    assert [(c["name"], type(c["type"])) for c in columns] == [
        ("metric_time", sa.TIMESTAMP),
        ("location__region", sa.VARCHAR),
    ]


def test_a_missing_environment_is_named():
    with pytest.raises(InterfaceError, match="STEELYARD_API_URL"):
        Client.from_environment({})


def test_an_api_that_is_away_is_a_sentence(tmp_path):
    (tmp_path / "key").write_text("k")
    with pytest.raises(OperationalError, match="does not answer"):
        Client("http://127.0.0.1:9", tmp_path / "key").sql("SELECT 1", "executive")
