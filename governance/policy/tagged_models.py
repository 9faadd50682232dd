"""Semantic models with the tags of their columns: which keys name a household, by what they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from governance.json_types import JsonObject
from governance.policy.column_tags import ColumnTags, columns_read, inherited, only_column
from governance.policy.tags import Tags, declares_pii

CUSTOMER = "customer"
_PERSON = Tags("pseudonym")
_KEYS = ("primary", "unique", "natural")

Raw = JsonObject


@dataclass(frozen=True)
class TaggedModel:
    """A semantic model of the manifest with the tags of its table's columns, by column in lower case."""

    raw: Raw
    columns: Mapping[str, Tags]
    is_of_people: bool
    """Whether each row describes one household: the household's key is in the key of the row."""

    @property
    def prefix(self) -> str | None:
        """What names of its dimensions begin with."""
        return primary(self.raw)

    def tags(self, node: Raw) -> Tags:
        """A node's own tags, and those of the columns that it is built from."""
        return Tags.of(node) | inherited(expression(node), self.columns)


@dataclass(frozen=True)
class People:
    """Tags of all entities by name, and the entities that are built from a household's key.

    `row_keys`: keys of single rows that are about one household each: a line of a receipt, a return.
    """

    entities: Mapping[str, Tags]
    built: frozenset[str]
    row_keys: frozenset[str]


def tagged_models(models: Mapping[str, Raw], columns: ColumnTags) -> tuple[dict[str, TaggedModel], People]:
    """The models with their columns' tags, and what their entities say about people."""
    own = {name: _column_tags(model, columns) for name, model in models.items()}
    tags = {
        entity["name"]: Tags.of(entity, "pseudonym" if entity["name"] == CUSTOMER else "none")
        for model in models.values()
        for entity in model.get("entities") or ()
    }
    for model in models.values():  # the strictest of all models, and a household's number untagged or not
        for entity in model.get("entities") or ():
            tags[entity["name"]] |= Tags.of(entity, "pseudonym" if entity["name"] == CUSTOMER else "none")
    _spread(models, own, tags)
    built = frozenset(name for name, tag in tags.items() if tag.names_a_person)
    row_keys = _row_keys(models, own, built)
    tags |= {name: tags[name] | _PERSON for name in row_keys}
    tagged = {
        name: TaggedModel(model, own[name], bool(built & set(_keys(model)))) for name, model in models.items()
    }
    return tagged, People(tags, built, row_keys)


def expression(node: Raw) -> str:
    """What an entity, dimension or measure is over the columns of its table."""
    return str(node.get("expr") or node["name"])


def primary(model: Raw) -> str | None:
    """The entity that names the model's rows."""
    keys = [e["name"] for e in model.get("entities") or () if e["type"] == "primary"]
    return model.get("primary_entity") or (keys[0] if keys else None)


def entity_names(model: Raw) -> frozenset[str]:
    """All entities that the model has."""
    own = {model["primary_entity"]} if model.get("primary_entity") else set()
    return frozenset({entity["name"] for entity in model.get("entities") or ()} | own)


def table_of(model: Raw) -> str:
    """The table that the model reads, as dbt calls it."""
    return str((model.get("node_relation") or {}).get("alias") or model["name"])


def _column_tags(model: Raw, columns: ColumnTags) -> dict[str, Tags]:
    """Declared tags of columns, and those of dimensions that are a column as it is."""
    tags = columns.of_table(table_of(model))
    for dimension in model.get("dimensions") or ():
        column = only_column(expression(dimension))
        if column is not None and Tags.of(dimension) != Tags():
            tags[column] = tags.get(column, Tags()) | Tags.of(dimension)
    for column in columns.copied_to(table_of(model)):
        if any(column in (columns_read(expression(e)) or ()) for e in model.get("entities") or ()):
            tags[column] = tags.get(column, Tags()) | _PERSON
    return tags


def _spread(models: Mapping[str, Raw], own: dict[str, dict[str, Tags]], tags: dict[str, Tags]) -> None:
    """Carry tags from columns to the entities built from them, and from entities to their columns."""
    changed = True
    while changed:
        changed = False
        for name, model in models.items():
            for entity in model.get("entities") or ():
                column = only_column(expression(entity))
                stricter = tags[entity["name"]] | inherited(expression(entity), own[name])
                if stricter != tags[entity["name"]]:
                    tags[entity["name"]], changed = stricter, True
                if column is None or not stricter.names_a_person:
                    continue
                before = own[name].get(column, Tags())
                if before | stricter != before:
                    own[name][column], changed = before | stricter, True


def _row_keys(
    models: Mapping[str, Raw], own: Mapping[str, Mapping[str, Tags]], built: frozenset[str]
) -> frozenset[str]:
    """Keys of rows that belong to one household each; not those of which a definition says otherwise."""
    declared = {e["name"] for m in models.values() for e in m.get("entities") or () if declares_pii(e)}
    row_keys: set[str] = set()
    changed = True
    while changed:
        changed = False
        for name, model in models.items():
            of_people = any(tags.names_a_person for tags in own[name].values())
            if of_people or entity_names(model) & (built | row_keys):
                fresh = set(_keys(model)) - built - declared - row_keys
                row_keys |= fresh
                changed = changed or bool(fresh)
    return frozenset(row_keys)


def _keys(model: Raw) -> Iterable[str]:
    """The entities of which each value names one row, at a time."""
    return [e["name"] for e in model.get("entities") or () if e["type"] in _KEYS]
