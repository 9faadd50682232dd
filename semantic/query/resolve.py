"""Find where an item lives, seen from the rows of a model: its own column, or a path of joins.

Shortest path wins; two equally short paths through different models are an error that names both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..definitions.catalog import Catalog, Dimension, Entity, Model
from ..definitions.restriction import Restriction
from ..definitions.used_name import UsedName
from ..errors import AmbiguousNameError, UnknownNameError
from ..suggest import near
from .request import METRIC_TIME, GroupByItem


@dataclass(frozen=True, slots=True)
class JoinStep:
    """A join along `entity` from the model so far to `model`."""

    entity: str
    model: str


@dataclass(frozen=True)
class ResolvedItem:
    """Where an item lives: the join steps to its model and its definition there."""

    steps: tuple[JoinStep, ...]
    model: Model
    definition: Dimension | Entity

    @property
    def dimension(self) -> Dimension | None:
        return self.definition if isinstance(self.definition, Dimension) else None

    @cached_property
    def used_name(self) -> UsedName:
        """What was found, as the definitions spell it."""
        kind, name, model = "entity", self.definition.name, self.model
        if self.dimension is not None:
            kind, name = "dimension", f"{model.primary}__{name}" if model.primary else name
        return UsedName(kind, name, model.name, tuple(step.entity for step in self.steps))


def is_hidden(item: GroupByItem, restriction: Restriction) -> bool:
    """Whether a reader must not learn that the item exists, judged by its name."""
    return named_in(item, restriction.hidden_dimensions)


def named_in(item: GroupByItem, names: frozenset[str]) -> bool:
    """Whether a set of dimension names holds an item, by whatever path the item walks to it."""
    if not names:
        return False
    base = item.base
    return item.name in names or any(base == n or base.endswith(f"__{n}") for n in names)


def resolved_in(resolved: ResolvedItem, names: frozenset[str]) -> bool:
    """Whether a set of dimension names holds what was resolved, under any name that its model gives it."""
    if not names:
        return False
    owners = {e.name for e in resolved.model.entities.values() if e.kind != "foreign"}
    owners.add(resolved.model.primary or "")
    element = resolved.definition.name
    return element in names or any(f"{owner}__{element}" in names for owner in owners)


def is_authorized(item: ResolvedItem, restriction: Restriction) -> bool:
    """Whether a query may use what was found: not hidden, and among the names that it was authorized for."""
    if resolved_in(item, restriction.hidden_dimensions):
        return False
    return restriction.authorized is None or item.used_name in restriction.authorized


class Resolver:
    """Resolution within one catalog, remembered per (model, item)."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._find = lru_cache(maxsize=16384)(self._search)

    def find(self, model: Model, item: GroupByItem, restriction: Restriction) -> ResolvedItem:
        """Where `item` lives, seen from `model`. Raises UnknownNameError or AmbiguousNameError."""
        if is_hidden(item, restriction):
            raise self.unknown(model, item, restriction)
        matches = self.everything(model, item)
        if not matches or not all(is_authorized(f, restriction) for f in matches):
            raise self.unknown(model, item, restriction)
        if len(matches) > 1:
            paths = " and ".join(_path(model, f) for f in matches[:2])
            raise AmbiguousNameError(
                f"{item.base} is ambiguous from {model.name}: {paths} both lead to it.",
                hint="Name the entities to walk, or give one of the dimensions another name.",
            )
        return matches[0]

    def reaches(self, model: Model, item: GroupByItem, restriction: Restriction) -> bool:
        """Whether `item` can be had from `model` at all (an ambiguous path counts as reaching)."""
        if is_hidden(item, restriction):
            return False
        matches = self.everything(model, item)
        return bool(matches) and all(is_authorized(f, restriction) for f in matches)

    def everything(self, model: Model, item: GroupByItem) -> tuple[ResolvedItem, ...]:
        """Whatever an item may mean, seen from `model`, whoever asks: nothing, one thing, or several."""
        if item.kind == "entity":
            return self._find(model.name, item.links, item.element, "entity")
        matches = self._find(model.name, item.links, item.element, "any")
        if item.kind == "time" and any(match.dimension is None for match in matches):
            return self._find(model.name, item.links, item.element, "time")
        return matches  # if they are dimensions, a time means the same

    def every_meaning(self, model: Model, item: GroupByItem) -> tuple[ResolvedItem, ...]:
        """Whatever an item may mean, seen from `model`, also if it turns out to be a time."""
        matches = self.everything(model, item)
        if item.kind == "entity" or all(match.dimension is not None for match in matches):
            return matches
        return (*matches, *self._find(model.name, item.links, item.element, "time"))

    def unknown(self, model: Model, item: GroupByItem, restriction: Restriction) -> UnknownNameError:
        names = [n for n in self.names(model) if self._is_visible(model, n, restriction)]
        hint = near(item.base, names)
        if not hint and item.links == (METRIC_TIME,):
            hint = "Grains: day, week, month, quarter, year."
        return UnknownNameError(f"{item.base} does not exist for {model.name}.", hint=hint)

    def _is_visible(self, model: Model, name: str, restriction: Restriction) -> bool:
        """Whether a name may be told: none that is hidden, though this query was not authorized to use it."""
        hidden, item = restriction.hidden_dimensions, _as_item(name)
        if not hidden:
            return True
        matches = () if is_hidden(item, restriction) else self.everything(model, item)
        return bool(matches) and not any(resolved_in(match, hidden) for match in matches)

    def _search(
        self, model: str, links: tuple[str, ...], element: str, kind: str
    ) -> tuple[ResolvedItem, ...]:
        start = self.catalog.models[model]
        local = self._local(start, links, element, kind)
        if local:
            return (ResolvedItem((), start, local),)
        walk = links[1:] if links and links[0] == start.primary and links[0] not in start.entities else links
        matches = tuple(self._walk(start, walk, element, kind, ()))
        if not matches and links and links[0] == start.primary and walk is links:
            matches = tuple(self._walk(start, links[1:], element, kind, ()))
        return matches

    def _local(
        self, model: Model, links: tuple[str, ...], element: str, kind: str
    ) -> Dimension | Entity | None:
        if links and links != (model.primary,) and not _names_a_row(model, links):
            return None
        if kind != "entity" and element in model.dimensions:
            return model.dimensions[element]
        if kind in ("any", "entity", "dimension") and element in model.entities:
            return model.entities[element]
        return None

    def _walk(
        self, model: Model, links: tuple[str, ...], element: str, kind: str, steps: tuple[JoinStep, ...]
    ) -> Iterator[ResolvedItem]:
        if not links:
            return
        entity, rest = links[0], links[1:]
        if entity not in model.entities:
            return
        for target in self.catalog.joinable.get(entity, ()):
            if target.name == model.name or any(h.model == target.name for h in steps):
                continue
            if model.entities[entity].kind == "natural" and target.entities[entity].kind == "natural":
                continue
            path = (*steps, JoinStep(entity, target.name))
            if rest:
                yield from self._walk(target, rest, element, kind, path)
                continue
            if kind != "entity" and element in target.dimensions:
                yield ResolvedItem(path, target, target.dimensions[element])
            elif kind in ("any", "entity", "dimension") and element in target.entities and element != entity:
                yield ResolvedItem(path, target, target.entities[element])

    def names(self, model: Model, depth: int = 2) -> list[str]:
        """Every dimension and entity name that can be asked of the rows of `model`, without grains."""
        return list(self._names(model, depth))

    def _names(self, model: Model, depth: int) -> Iterator[str]:
        prefix = f"{model.primary}__" if model.primary else ""
        for dimension in model.dimensions:
            yield prefix + dimension
        for entity in model.entities.values():
            yield entity.name
            if depth:
                for name in self._joined(model, entity.name, depth, (model.name,)):
                    yield f"{entity.name}__{name}"

    def _joined(self, model: Model, entity: str, depth: int, seen: tuple[str, ...]) -> Iterator[str]:
        for target in self.catalog.joinable.get(entity, ()):
            if target.name in seen:
                continue
            yield from target.dimensions
            for other in target.entities:
                if other != entity:
                    yield other
                    if depth > 1:
                        for name in self._joined(target, other, depth - 1, (*seen, target.name)):
                            yield f"{other}__{name}"


def _names_a_row(model: Model, links: tuple[str, ...]) -> bool:
    """Whether a key names the model's own rows: primary, unique, or valid for a time."""
    entity = model.entities.get(links[0]) if len(links) == 1 else None
    return entity is not None and entity.kind in ("primary", "unique", "natural")


def _as_item(name: str) -> GroupByItem:
    parts = name.split("__")
    return GroupByItem(tuple(parts[:-1]), parts[-1])


def _path(model: Model, resolved: ResolvedItem) -> str:
    return " → ".join([model.name, *(h.model for h in resolved.steps)])
