"""Restrictions from tags: hidden, masked, cut, and the floor on groups."""

from dataclasses import replace

import pytest

from governance.errors import ForbiddenError, PolicyBrokenError, PolicyUntranslatableError
from governance.identity import Principal
from governance.policy import Policy
from governance.policy.engine import POLICIES
from governance.policy.restriction import authorize, for_listing, for_principal, purpose_of
from governance.policy.tagged_catalog import TaggedCatalog
from governance.policy.tags import Tags
from semantic import ParsedQuery, Restriction, UsedName


def _meta(**tags):
    return {"config": {"meta": tags}}


def _dimension(name, **tags):
    return {"name": name, "type": "categorical", **_meta(**tags)}


def _simple(name, measure, **tags):
    return {"name": name, "type": "simple", "type_params": {"measure": {"name": measure}}, **_meta(**tags)}


def _derived(name, *inputs):
    return {"name": name, "type": "derived", "type_params": {"metrics": [{"name": i} for i in inputs]}}


def query(catalog, *names, path=()):
    """A parsed query that uses these names and has no text at all."""
    kinds = {name: "metric" if name in catalog.metrics else "dimension" for name in names}
    return ParsedQuery(used=(frozenset(UsedName(kind, name, "m", path) for name, kind in kinds.items()),))


@pytest.fixture
def catalog():
    fact = [{"name": n, "type": "foreign"} for n in ("location", "product", "customer")]
    key = lambda name: [{"name": name, "type": "primary"}]  # noqa: E731
    return TaggedCatalog.from_manifest(
        {
            "semantic_models": [
                {
                    "name": "sales",
                    "entities": fact,
                    "measures": [{"name": "s"}, {"name": "m"}],
                    "dimensions": [],
                },
                {"name": "cash", "entities": [], "measures": [{"name": "c"}], "dimensions": []},
                {"name": "places", "entities": key("location"), "dimensions": [_dimension("region")]},
                {"name": "goods", "entities": key("product"), "dimensions": [_dimension("department")]},
                {
                    "name": "people",
                    "entities": key("customer"),
                    "dimensions": [
                        _dimension("age_band", pii="quasi_identifier", purpose="analytics"),
                        _dimension("segment"),
                        _dimension("email", pii="identifier"),
                        _dimension("has_analytics_consent"),
                    ],
                },
            ],
            "metrics": [
                _simple("net_sales", "s"),
                _simple("gross_margin", "m", margin_sensitive=True),
                _derived("margin_per_sale", "gross_margin", "net_sales"),
                _derived("hidden_twice", "margin_per_sale"),
                _simple("cash", "c"),
            ],
        }
    )


def test_derived_metrics_are_as_hidden_as_their_inputs(catalog, people):
    assert catalog.metrics["hidden_twice"] == Tags(margin_sensitive=True)
    hidden = for_principal(people["store_manager"], catalog).hidden_metrics
    assert {"gross_margin", "margin_per_sale", "hidden_twice"} <= hidden
    assert "net_sales" not in hidden


def test_rows_are_cut_by_region_and_department(catalog, people):
    (rule,) = for_principal(people["planner_east"], catalog).rows
    assert (rule.entity, rule.predicate) == ("location", "region IS NOT NULL AND region IN ('East')")
    (rule,) = for_principal(people["category_manager"], catalog).rows
    assert rule.entity == "product"
    assert for_principal(people["executive"], catalog).rows == ()


def test_what_cannot_be_cut_is_hidden(catalog, people):
    assert "cash" in for_principal(people["planner_east"], catalog).hidden_metrics
    assert "cash" not in for_principal(people["executive"], catalog).hidden_metrics


def test_personal_columns(catalog, people):
    executive = for_principal(people["executive"], catalog)
    assert {"customer", "customer__age_band", "age_band", "customer__email"} <= executive.hidden_dimensions
    assert "customer__segment" not in executive.hidden_dimensions
    steward = for_principal(people["data_steward"], catalog)
    assert steward.masked_dimensions == {"customer"}
    assert "customer__email" in steward.hidden_dimensions


def test_purpose_brings_consent_and_the_floor(catalog, people):
    planner = people["planner_east"]
    plain = authorize(planner, query(catalog, "net_sales", "product__department"), catalog)
    assert (plain.minimum_group, len(plain.rows)) == (None, 1)
    asked = authorize(planner, query(catalog, "net_sales", "customer__age_band"), catalog)
    assert asked.minimum_group.size == 10
    assert {rule.entity for rule in asked.rows} == {"location", "customer"}
    described = authorize(planner, query(catalog, "net_sales", "customer__segment"), catalog)
    assert described.minimum_group.size == 10
    reached = authorize(planner, query(catalog, "location__region", path=("customer", "location")), catalog)
    assert reached.minimum_group.size == 10  # the region of the household's own shop tells of the household
    assert (purpose_of(["analytics", "analytics"]), purpose_of([])) == ("analytics", "operations")
    assert for_principal(planner, catalog).minimum_group.size == 10


def test_a_purpose_that_was_not_granted_shows_nothing(catalog, people):
    manager, asked = people["store_manager"], query(catalog, "net_sales", "customer__age_band")
    shop = authorize(manager, asked, catalog, purpose="analytics")
    assert shop.allow_nothing
    assert "net_sales" in shop.hidden_metrics
    implied = authorize(manager, asked, catalog)  # as if there were no such dimension
    assert "customer__age_band" in implied.hidden_dimensions
    assert implied == authorize(manager, query(catalog, "net_sales"), catalog)


def test_someone_without_attributes_sees_no_rows(catalog):
    nobody = for_principal(Principal("new", "planner", purposes=frozenset({"operations"})), catalog.__class__(
        catalog.metrics, catalog.metric_entities, catalog.dimensions,
        {**catalog.entity_dimensions, "location": frozenset({"region", "banner", "location"})},
    ))  # fmt: skip
    assert {rule.predicate for rule in nobody.rows} == {"FALSE"}


def test_a_rule_on_a_column_that_is_not_defined_is_refused(catalog):
    who = Principal(
        "ann", "planner", regions=frozenset({"*"}), stores=frozenset({"*"}), departments=frozenset({"*"}),
        banners=frozenset({"Urban"}), purposes=frozenset({"operations"}),
    )  # fmt: skip
    with pytest.raises(PolicyUntranslatableError, match="banner"):
        for_principal(who, catalog)


def test_unknown_tags_count_as_the_strictest():
    assert Tags.of(_meta(pii="sort-of")).pii == "identifier"
    assert Tags.of(_meta(pii=True)).pii == "identifier"
    with pytest.raises(PolicyBrokenError):
        Tags(purpose="a") | Tags(purpose="b")
    with pytest.raises(ForbiddenError):
        purpose_of(["analytics", "marketing"])


def test_restrictions_are_remembered(catalog, people):
    first = for_principal(people["planner_east"], catalog)
    assert for_principal(people["planner_east"], catalog) is first
    assert isinstance(first, Restriction)


def test_what_changed_is_not_answered_from_before(catalog, people):
    """Restrictions and plans are remembered; neither outlives a move, a new policy or a new release."""
    planner = people["planner_east"]
    before = for_principal(planner, catalog)
    moved = for_principal(replace(planner, regions=frozenset({"West"})), catalog)
    assert [rule.predicate for rule in moved.rows] == ["region IS NOT NULL AND region IN ('West')"]
    unpaid = for_principal(replace(planner, purposes=frozenset()), catalog)
    assert (unpaid.allow_nothing, before.allow_nothing) == (True, False)
    texts = "\n".join(path.read_text() for path in sorted(POLICIES.glob("*.cedar")))
    forbid = '@id("closed") forbid (principal, action == Action::"read_row", resource is Location);'
    stricter = Policy(f"{texts}\n{forbid}", (POLICIES / "schema.cedarschema").read_text())
    assert for_principal(planner, catalog, policy=stricter).rows[0].predicate == "FALSE"
    tagged = {**catalog.metrics, "net_sales": Tags(margin_sensitive=True)}
    released = replace(catalog, metrics=tagged)
    manager = people["store_manager"]
    assert "net_sales" not in for_principal(manager, catalog).hidden_metrics
    assert "net_sales" in for_principal(manager, released).hidden_metrics
    assert for_principal(planner, catalog) == before


def test_a_catalogue_shows_what_some_purpose_shows(catalog, people):
    listed = for_listing(people["planner_east"], catalog)
    assert "customer__age_band" not in listed.hidden_dimensions
    assert "customer__email" in listed.hidden_dimensions
    assert listed.allow_nothing
    assert "customer__age_band" in for_listing(people["executive"], catalog).hidden_dimensions


@pytest.mark.parametrize("purposes", [(), ("operations",), ("operations", "analytics")])
def test_a_listing_leaves_out_what_no_purpose_shows_and_never_yields_rows(catalog, people, purposes):
    reader = replace(people["planner_east"], purposes=frozenset(purposes))
    listed = for_listing(reader, catalog)
    each = [for_principal(reader, catalog, purpose=p) for p in purposes] or [for_principal(reader, catalog)]
    assert listed.rows == (() if purposes else each[0].rows)
    assert listed.allow_nothing
    for name in catalog.purposes.keys() | {"net_sales", "gross_margin", "cash", "region", "email", "segment"}:
        assert (name in listed.hidden_metrics) == all(name in one.hidden_metrics for one in each), name
        assert (name in listed.hidden_dimensions) == all(name in one.hidden_dimensions for one in each), name
        assert (name in listed.masked_dimensions) == any(name in one.masked_dimensions for one in each), name


def test_a_listing_goes_by_the_policies_it_is_given(catalog, people):
    forbids = (POLICIES / "schema.cedarschema").read_text()
    texts = "\n".join(path.read_text() for path in sorted(POLICIES.glob("*.cedar")))
    reader = people["executive"]
    named = for_listing(reader, catalog)
    nothing = Policy(texts + '\n@id("no") forbid (principal, action, resource);', forbids)
    assert "net_sales" not in named.hidden_metrics
    assert "net_sales" in for_listing(reader, catalog, policy=nothing).hidden_metrics


def test_policies_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(PolicyBrokenError, match=str(tmp_path)):
        Policy.load(tmp_path)
    for path in POLICIES.glob("*.cedar*"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "unfinished.cedar").write_text('@id("one") permit (principal')
    with pytest.raises(PolicyBrokenError):
        Policy.load(tmp_path)


@pytest.mark.parametrize("name", ['User::"{}"', 'User :: "{}"', 'User // a remark\n:: "{}"'])
@pytest.mark.parametrize("where", ["permit_all_but", "when"])
def test_policies_that_name_a_person_are_not_shared_with_her_equals(catalog, people, name, where):
    """What equals may see is worked out once for all of them, unless a policy tells them apart."""
    named, equal = replace(people["executive"], user="anna"), replace(people["executive"], user="bert")
    who = name.format("anna")
    reads = 'action == Action::"read_metric"'
    rules = {
        "permit_all_but": f'@id("not-her") forbid (principal == {who}, {reads}, resource);',
        "when": f'@id("not-her") forbid (principal, {reads}, resource) when {{ principal == {who} }};',
    }
    texts = "\n".join(path.read_text() for path in sorted(POLICIES.glob("*.cedar")))
    policy = Policy(texts + rules[where], (POLICIES / "schema.cedarschema").read_text())
    for reader, hidden in ((equal, False), (named, True), (equal, False)):
        restriction = for_principal(reader, catalog, policy=policy)
        assert ("net_sales" in restriction.hidden_metrics) == hidden
    assert policy.without_name(named) == named
    assert Policy.load().without_name(named) == Policy.load().without_name(equal) != named


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ("permit (principal", "The policies do not parse: "),
        (
            '@id("x") permit (principal == Martian::"a", action, resource);',
            "the policies do not fit the schema: ",
        ),
    ],
)
def test_broken_policies_say_what_is_wrong(policies, message):
    with pytest.raises(PolicyBrokenError, match=message + r"\S"):
        Policy(policies, (POLICIES / "schema.cedarschema").read_text())
