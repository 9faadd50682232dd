"""One policy for every spelling: however a name is written, it is refused or answers as written plainly.

Policy and planning both work from the parsed query. The tests draw spellings from a grammar, for every name
of a small release and all demo users, and ask through every interface.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.auth.sign_in import local_issuer
from api.cli import app as commands
from api.cli import metric as metric_command
from api.cli import services as command_services
from api.settings import Settings
from governance.identity import Directory
from governance.policy.restriction import authorize
from semantic import MetricQuery, Restriction
from semantic.errors import SteelyardError
from tests.security import spellings
from tests.security.household_release import write_households
from tests.seeds import seeded

READERS = tuple(Directory.load().users)
REFUSED = "refused"


@dataclass(frozen=True)
class House:
    """The real application on forty households, asked over each of its interfaces."""

    client: TestClient
    settings: Settings

    @property
    def services(self):
        return self.client.app.state.services

    def forget(self):
        """Nobody has asked anything yet, so that no answer depends on an earlier one."""
        with self.services.store.write() as transaction:
            transaction.conn.exec_driver_sql("DELETE FROM shown_groups")
        groups = self.services.metrics._groups
        for remembered in (v for v in vars(groups).values() if hasattr(v, "clear")):
            remembered.clear()

    def python(self, reader, query):
        try:
            answer = self.services.metrics.answer(query, self.services.directory.user(reader))
        except SteelyardError:
            return REFUSED
        return rows(answer.as_dict()["rows"])

    def http(self, reader, query):
        body = {
            "metrics": query.metrics, "group_by": query.group_by,
            "where": query.where, "order_by": query.order_by,
        }  # fmt: skip
        return self._post("/v1/query", body, reader)

    def sql(self, reader, text):
        return self._post("/v1/sql", {"sql": text}, reader)

    def _post(self, path, body, reader):
        token = local_issuer(self.settings).issue(reader, now=datetime.now(UTC))
        answer = self.client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code == 200:
            return rows(answer.json()["rows"])
        assert 400 <= answer.status_code < 500, answer.text
        return REFUSED

    def cli(self, reader, query):
        arguments = ["metric", "query", "--as", reader, "--json", "--order-by", *query.metrics[:1]]
        for option, values in (("-m", query.metrics), ("-g", query.group_by), ("-w", query.where)):
            arguments += [part for value in values for part in (option, value)]
        done = CliRunner().invoke(commands.app, arguments)
        if isinstance(done.exception, SteelyardError) or done.exit_code == 2:
            return REFUSED
        assert done.exit_code == 0, (done.output, done.exception)
        return rows(json.loads(done.stdout)["rows"])


def rows(listed):
    """In one order, each value as text: interfaces write numbers and dates in their own ways."""
    return sorted(tuple(map(_text, row)) for row in listed)


def _text(value):
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return f"{float(value):g}"
    return str(value).removesuffix(" 00:00:00").removesuffix("T00:00:00").lower()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    var = tmp_path_factory.mktemp("var")
    write_households(var)
    settings = Settings(var_dir=var, requests_per_minute=1_000_000)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        asked = House(client, settings)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(metric_command, "services", lambda: asked.services)
            patch.setattr(command_services, "services", lambda: asked.services)
            yield asked


@pytest.fixture(scope="module")
def names(house):
    """Dimensions and entities of the definitions, by the way in which they are called; and the metrics."""
    catalog = house.services.metrics.opened().layer.catalog
    dimensions = sorted(catalog.dimension_words())
    entities = sorted({e for model in catalog.models.values() for e in model.entities})
    return [("Dimension", n) for n in dimensions] + [("Entity", n) for n in entities], sorted(catalog.metrics)


FINEST = ["location", "product", "metric_time__day"]
ATTACKS = {
    "adjacent literals": (
        MetricQuery(["net_sales"], ["Dimension('cust' 'omer__loyalty_t' 'ier')", *FINEST]),
        MetricQuery(["net_sales"], ["customer__loyalty_tier", *FINEST]),
    ),
    "a key of households and days": (
        MetricQuery(["shopping_days"], ["Entity('buyer' '_day')"]),
        MetricQuery(["shopping_days"], ["buyer_day"]),
    ),
    "a list of households and days": (
        MetricQuery([], ["Entity('buyer' '_day')"]),
        MetricQuery([], ["buyer_day"]),
    ),
    "a filter by counts of one": (
        MetricQuery(["net_sales"], ["product"], ["{{ Metric('active_cust' 'omers', ['product']) }} = 1"]),
        MetricQuery(["net_sales"], ["product"], ["{{ Metric('active_customers', ['product']) }} = 1"]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("interface", ["python", "http", "cli"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_name_in_pieces_is_the_name(house, attack, interface):
    """What was found on the demo: eleven roles, each of them shown groups of one household."""
    spelt, plain = ATTACKS[attack]
    if interface == "cli" and not spelt.metrics:
        pytest.skip("the command line asks for metrics")
    for reader in READERS:
        house.forget()
        expected = house.python(reader, plain)
        house.forget()
        assert getattr(house, interface)(reader, spelt) == expected, reader
        assert expected == REFUSED or {row[0] for row in expected} <= {"***"}, (reader, expected)


def test_no_reader_lists_keys_of_single_households(house):
    """Keys of rows are hidden, or stars for those who keep the data; a whole total needs ten households."""
    for reader in READERS:
        for name in ("customer", "buyer_day", "sale", "refund"):
            for query in (MetricQuery([], [name]), MetricQuery(["units_refunded"], [name])):
                house.forget()
                listed = house.python(reader, query)
                assert listed == REFUSED or {row[0] for row in listed} <= {"***"}, (reader, name, listed)


@pytest.mark.parametrize("draw", range(2))
def test_dimensions_and_entities_in_any_spelling(house, names, draw):
    """As groups, alone and of metrics, and in filters; over HTTP and from Python."""
    rng = seeded("spellings", draw)
    same = 0
    for kind, name in names[0]:
        for reader in READERS:
            spelt = rng.choice([spellings.call(rng, name, kind), spellings.dunder(rng, name)])
            as_filter = spellings.template(rng, spellings.call(rng, name, kind))
            metrics = rng.choice(
                [[], ["net_sales"], ["units_refunded"], ["gross_margin", "active_customers"]]
            )
            plain = f"{kind}('{name}')"
            pairs = [
                (MetricQuery(metrics, [spelt]), MetricQuery(metrics, [plain])),
                (
                    MetricQuery(metrics or ["net_sales"], ["product"], [f"{as_filter} IS NOT NULL"]),
                    MetricQuery(metrics or ["net_sales"], ["product"], [f"{{{{ {plain} }}}} IS NOT NULL"]),
                ),
            ]
            for asked, expected in pairs:
                interface = rng.choice([house.http, house.http, house.python])
                same += agrees(house, reader, (interface, asked), expected)
    assert same > len(names[0]) * len(READERS) // 10  # the grammar also draws what is understood


@pytest.mark.parametrize("draw", range(2))
def test_metrics_in_any_spelling(house, names, draw):
    """Asked for, and in filters on their value."""
    rng = seeded("metrics", draw)
    for name in names[1]:
        for reader in READERS:
            spelt = spellings.dunder(rng, name)
            condition = f"{spellings.template(rng, spellings.call(rng, name, 'Metric'))} < 20"
            plain = f"{{{{ Metric('{name}', ['product']) }}}} < 20"
            by = rng.choice([["product"], ["customer__loyalty_tier"], ["location__region"]])
            for asked, expected in (
                (MetricQuery([spelt], by), MetricQuery([name], by)),
                (MetricQuery(["net_sales"], by, [condition]), MetricQuery(["net_sales"], by, [plain])),
            ):
                agrees(house, reader, (house.http, asked), expected)


def test_semantic_sql_in_any_spelling(house, names):
    """Select list, filters, expressions and measures of SQL, against the plain metric query."""
    rng = seeded("sql")
    for _, name in names[0]:
        for reader in READERS:
            spelt = spellings.sql_name(rng, name)
            metric = rng.choice(names[1])
            measure = f"MEASURE({spellings.any_case(rng, metric)}) AS m"
            sql = f"SELECT {spelt} AS a, {measure} FROM metrics GROUP BY 1"
            agrees(house, reader, (house.sql, sql), MetricQuery([metric], [name]))
            sql = f"SELECT {measure} FROM metrics WHERE {spelt} IS NOT NULL"
            agrees(house, reader, (house.sql, sql), MetricQuery([metric], [], [f"{name} IS NOT NULL"]))


def test_the_command_line_in_any_spelling(house, names):
    rng = seeded("cli")
    for kind, name in rng.sample(names[0], 8):
        for reader in rng.sample(READERS, 3):
            spelt = spellings.call(rng, name, kind)
            plain = MetricQuery(["net_sales"], [f"{kind}('{name}')"])
            agrees(house, reader, (house.cli, MetricQuery(["net_sales"], [spelt])), plain)


def agrees(house, reader, spelt, plain):
    """Whether the spelling was understood; then it must answer as the plain query does, or be refused."""
    house.forget()
    interface, asked = spelt
    answer = interface(reader, asked)
    if answer == REFUSED:
        return False
    house.forget()
    expected = house.python(reader, plain)
    if answer != expected and is_another_question(house, asked, plain):
        return False
    assert answer == expected, (reader, asked, plain)
    return True


def is_another_question(house, asked, plain):
    """Whether the parsed query uses other names than the plain one: by a grain, in a literal, computed."""
    layer = house.services.metrics.opened().layer
    first, second = layer.parse(asked), layer.parse(plain)
    return _names_in_place(first) != _names_in_place(second) or bool(first.computed)


def _names_in_place(query):
    filters = [[ref.name for ref in predicate.items()] for predicate in query.filters]
    return query.names(), [item.name for item in query.items], filters


def test_what_has_no_text_is_decided_and_planned_alike(house):
    """Policy and planning take the parsed query: its text could as well be empty."""
    opened = house.services.metrics.opened()
    for question in (
        MetricQuery(["sales_per_customer"], ["customer__age_band"], ["location__region = 'East'"]),
        "SELECT customer__loyalty_tier, MEASURE(net_sales) / 2 AS half FROM metrics GROUP BY ALL ORDER BY 2",
    ):  # fmt: skip
        parsed = opened.layer.parse(question)
        empty = replace(parsed, written="")
        assert parsed.written
        for reader in map(house.services.directory.user, READERS):
            allowed = authorize(reader, parsed, opened.tags)
            assert authorize(reader, empty, opened.tags) == allowed
            outcomes = []
            for query in (parsed, empty):
                opened.layer.forget_plans()
                try:
                    outcomes.append(opened.layer.compile(query, restriction=allowed))
                except SteelyardError as refused:
                    outcomes.append(str(refused))
            assert outcomes[0] == outcomes[1]


def test_planning_refuses_what_was_not_authorized(house):
    """The second lock: without its name among the authorized ones, nothing is planned, hidden or not."""
    layer = house.services.metrics.opened().layer
    parsed = layer.parse(
        MetricQuery(["sales_per_customer"], ["customer__loyalty_tier"], ["product IS NOT NULL"])
    )
    assert layer.compile(parsed, restriction=Restriction(authorized=parsed.names())).sql
    used = {name for name in parsed.names() if name.model in ("", "sales", "customers")}
    needed = [
        name for name in used if name.kind == "metric" or name.name in ("customer__loyalty_tier", "product")
    ]
    assert len(needed) >= 5
    for name in needed:
        with pytest.raises(SteelyardError) as refused:
            layer.compile(parsed, restriction=Restriction(authorized=parsed.names() - {name}))
        assert refused.value.code == "unknown-name"
    with pytest.raises(SteelyardError):
        layer.compile(parsed, restriction=Restriction(authorized=frozenset()))
