"""The row filter equals per-row authorization, NULLs included; what cannot be translated is refused."""

import datetime as dt
import json
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import given, note, settings
from hypothesis import strategies as st

from governance.errors import PolicyBrokenError, PolicyUntranslatableError
from governance.identity import Principal
from governance.policy import Policy, Resource, default_policy, explain, policy_test, to_clause, to_sql
from governance.policy.engine import POLICIES, ROW_TYPES
from governance.policy.predicate import holds

DUCKDB = duckdb.connect()
SCHEMA = (POLICIES / "schema.cedarschema").read_text()
VALUES = ["East", "West", "1", "True", "O'Brien", "*", "", 'a"b', ":x", "%s", "Ünïcode"]
NULLABLE = st.one_of(st.none(), st.sampled_from(VALUES))
SETS = st.frozensets(st.sampled_from(VALUES), max_size=3)
PURPOSES = ["operations", "analytics", "personalisation", "marketing", "curiosity"]


@pytest.mark.parametrize("result", policy_test(), ids=lambda r: f"{r.name}-{r.user}")
def test_policy_cases(result):
    assert result.passed, result


@st.composite
def principals(draw):
    return Principal(
        user=draw(st.sampled_from(["ann", "bob's", "çelik 🦊@x+y"])),
        role=draw(st.sampled_from(["planner", "executive", "store_manager", "agent"])),
        regions=draw(SETS),
        stores=draw(SETS),
        departments=draw(SETS),
        banners=draw(SETS),
        purposes=draw(st.frozensets(st.sampled_from(PURPOSES))),
    )


@st.composite
def rows(draw, kind):
    types = ROW_TYPES[kind].attributes
    return {
        name: draw(NULLABLE if t is str else st.one_of(st.none(), st.booleans())) for name, t in types.items()
    }


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    who=principals(),
    kind=st.sampled_from(sorted(ROW_TYPES)),
    purpose=st.sampled_from(PURPOSES),
)
def test_the_filter_equals_per_row_authorization(data, who, kind, purpose):
    table = data.draw(st.lists(rows(kind), min_size=1, max_size=6))
    _compare(default_policy(), who, kind, table, {"purpose": purpose})


ATOMS = [
    "resource has region",
    "resource has banner",
    'resource.region == "East"',
    '"West" == resource.region',
    'resource.banner != "East"',
    "principal.regions.contains(resource.region)",
    '["East", ""].contains(resource.banner)',
    "principal.is_service",
    "true",
    "resource.region == 1",  # of another type: never equal, and no error
    "resource.banner != true",
    '[1, true, "East"].contains(resource.region)',
]


@st.composite
def conditions(draw, depth=3):
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(ATOMS))
    left, right = draw(conditions(depth=depth - 1)), draw(conditions(depth=depth - 1))
    form = draw(st.sampled_from(["({} && {})", "({} || {})", "!({})", "(if {} then {} else {})"]))
    return form.format(left, right, draw(conditions(depth=depth - 1)) if form.count("{}") == 3 else "")


@st.composite
def policies(draw):
    parts = []
    for number in range(draw(st.integers(1, 4))):
        effect = draw(st.sampled_from(["permit", "permit", "forbid"]))
        text = f'@id("p{number}") {effect} (principal, action == Action::"read_row", resource)'
        for keyword in draw(st.lists(st.sampled_from(["when", "unless"]), max_size=2)):
            text += f" {keyword} {{ {draw(conditions())} }}"
        parts.append(text + ";")
    return "\n".join(parts)


@settings(max_examples=250, deadline=None)
@given(data=st.data(), text=policies(), who=principals())
def test_the_filter_of_generated_policies_equals_per_row_authorization(data, text, who):
    """Errors included: here attributes are read without `has`, so a NULL is an error, and that denies."""
    note(text)
    policy = _unchecked(text)
    table = data.draw(st.lists(rows("Location"), min_size=1, max_size=5))
    _compare(policy, who, "Location", table, {"purpose": "operations"})


def _unchecked(text):
    """Past validation, which would refuse unguarded attributes: the adapter must be right without it too."""
    import cedarpy

    policy = object.__new__(Policy)
    policy._schema, policy._policies = None, cedarpy.PolicySet.from_str(text)
    return policy


def _compare(policy, who, kind, table, context):
    predicate = policy.row_condition(who, kind, context)
    note(to_sql(predicate))
    expected = [
        policy.authorize(who, "read_row", Resource(kind, f"r{n}", row), context).allowed
        for n, row in enumerate(table)
    ]
    assert [holds(predicate, row) for row in table] == expected
    names = list(ROW_TYPES[kind].attributes)
    assert _duckdb(predicate, names, table, kind) == expected
    assert _sqlite(predicate, table, kind) == expected


def _duckdb(predicate, names, table, kind):
    types = {str: "VARCHAR", bool: "BOOLEAN"}
    columns = ", ".join(f"{n} {types[ROW_TYPES[kind].attributes[n]]}" for n in names)
    with DUCKDB.cursor() as con:
        con.execute(f"CREATE OR REPLACE TABLE t ({columns}, i INTEGER)")
        con.executemany(
            f"INSERT INTO t VALUES ({', '.join('?' * (len(names) + 1))})",
            [[*(row[n] for n in names), i] for i, row in enumerate(table)],
        )
        results = con.execute(f"SELECT i, ({to_sql(predicate)}) FROM t ORDER BY i").fetchall()
    return [value for _, value in results]


def _sqlite(predicate, table, kind):
    types = {str: sa.String, bool: sa.Boolean}
    columns = [sa.Column(name, types[t]) for name, t in ROW_TYPES[kind].attributes.items()]
    engine = sa.create_engine("sqlite://")
    t = sa.Table("t", sa.MetaData(), sa.Column("i", sa.Integer), *columns)
    with engine.begin() as con:
        t.create(con)
        con.execute(sa.insert(t), [row | {"i": i} for i, row in enumerate(table)])
        permitted = set(con.execute(sa.select(t.c.i).where(to_clause(predicate, dict(t.c)))).scalars())
    return [i in permitted for i in range(len(table))]


@pytest.mark.parametrize(
    "condition",
    [
        'resource.region like "E*"',
        "resource.region == resource.banner",
        "principal.regions.containsAny([resource.region])",
        "resource in principal",
        "resource == principal",
        'resource.unheard_of == "x"',
    ],
)
def test_what_cannot_be_translated_is_refused(condition):
    who = Principal("ann", "planner", regions=frozenset({"East"}))
    policy = _unchecked(f'@id("odd") permit (principal, action, resource) when {{ {condition} }};')
    with pytest.raises(PolicyUntranslatableError, match="odd"):
        policy.row_condition(who, "Location", {})


def test_an_erring_forbid_denies():
    who = Principal("ann", "planner")
    policy = _unchecked(
        "permit (principal, action, resource);"
        '@id("f") forbid (principal, action, resource) when { resource.region == "West" };'
    )
    assert not policy.authorize(who, "read_row", Resource("Location", "x", {})).allowed
    assert policy.authorize(who, "read_row", Resource("Location", "x", {"region": "East"})).allowed


def test_broken_policies_do_not_load():
    for text in ("permit (principal", "permit (principal, action, resource) when { resource.nothing };"):
        with pytest.raises(PolicyBrokenError):
            Policy(text, SCHEMA)
    with pytest.raises(PolicyBrokenError):
        Policy.load(Path("/nowhere"))


def test_every_policy_has_a_name():
    for path in POLICIES.glob("*.cedar"):
        text = path.read_text()
        assert text.count("@id(") == sum(text.count(f"{effect} (") for effect in ("\npermit", "\nforbid"))


def test_explain_names_the_rule(now=dt.datetime(2026, 1, 1)):
    explanation = explain("auditor", "read_audit")
    assert (explanation.allowed, explanation.policy_ids) == (True, ("read-audit",))
    assert "no policy permits it" in explain("executive", "read_audit").sentence
    assert json.loads(json.dumps(explanation.rows))["Location"] == "TRUE"
