"""Groups of households under attack: what is shown together never tells of few, counted by hand."""

import itertools
import json
import threading
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from governance.disclosure import GroupControl, control
from governance.disclosure.complement import hide_small
from governance.disclosure.control import review
from governance.disclosure.disclosed import Disclosure, DisclosureHistory
from governance.disclosure.groups import Groups, read_probe
from governance.errors import ForbiddenError
from semantic.definitions.restriction import MinimumGroup
from semantic.plan.suppression_probe import BUCKETS, GroupProbe
from tests.seeds import generator, seeded

SIZE = 10


class World:
    """Sales lines of a few hundred households, and what a query's probe would answer about them.

    Keys are texts, numbers and NULL, as columns are.
    """

    def __init__(self, seed, households=160, lines=900):
        self.random = seeded(seed)
        self.bucket = {h: self.random.randrange(BUCKETS) for h in range(households)}
        self.age = {h: self.random.choice([*"aaaabbbcc", None]) for h in range(households)}
        self.size = {h: self.random.choice([1, 1, 1, 2, 2, 3, None]) for h in range(households)}
        self.lines = [
            (n, self.random.randrange(households), self.random.choice("xxxyyz")) for n in range(lines)
        ]
        self.weight = [self.random.randrange(1, 2**40) for _ in range(lines)]

    def keys(self, line, by):
        _, household, product = line
        return tuple(
            {"age": self.age[household], "size": self.size[household], "product": product}[k] for k in by
        )

    def probe(self, by, where=lambda line: True):
        """As the compiler's probe answers: the rows of a query that groups by `by`."""
        cells = {}
        for line in filter(where, self.lines):
            cells.setdefault(self.keys(line, by), []).append(line)
        rows = []
        for key, lines in cells.items():
            sums = Counter()
            for number, household, _ in lines:
                sums[self.bucket[household]] += self.weight[number]
            sketch = [{"bucket": b, "weight": w % 2**64} for b, w in sums.items()]
            text = json.dumps(list(key))
            rows.append(
                {
                    "cell": json.dumps([*key, "true"]),
                    "shown": text,
                    "entities": len({h for _, h, _ in lines}),
                    "sketch": sketch,
                }
            )
        pair = pa.struct([("bucket", pa.uint64()), ("weight", pa.uint64())])
        names = {"cell": pa.string(), "shown": pa.string(), "entities": pa.int64(), "sketch": pa.list_(pair)}
        schema = pa.schema(list(names.items()))
        return pa.Table.from_pylist(rows, schema=schema), {k: frozenset(v) for k, v in cells.items()}


def disclosed_sets(cells, hidden, by):
    """By hand: every set of lines that an answer tells, its groups and the sums of those shown."""
    displayed = {key: lines for key, lines in cells.items() if key not in hidden}
    sets = set(displayed.values())
    for chosen in itertools.chain.from_iterable(
        itertools.combinations(range(len(by)), n) for n in range(len(by))
    ):
        for part in {tuple(key[i] for i in chosen) for key in displayed}:
            inside = [lines for key, lines in displayed.items() if tuple(key[i] for i in chosen) == part]
            sets.add(frozenset().union(*inside))
    return sets


def behind(lines):
    return len({household for _, household, _ in lines})


@pytest.mark.parametrize("seed", range(25))
def test_no_total_gives_a_hidden_group_back(seed):
    """Any coarser total less what is shown of it is a group of ten or more, or nothing."""
    world = World(seed, households=seeded(seed).choice([40, 90, 160]))
    by = world.random.choice([("age",), ("product", "age"), ("age", "size"), ("product", "age", "size")])
    table, cells = world.probe(by)
    probe = read_probe(table)
    hidden = {probe.displayed.keys[i] for i in np.flatnonzero(review(probe, DisclosureHistory(SIZE), SIZE))}
    assert {key for key, lines in cells.items() if behind(lines) < SIZE} <= hidden
    for chosen in itertools.chain.from_iterable(
        itertools.combinations(range(len(by)), n) for n in range(len(by))
    ):
        lines_by_part = {}
        for key, lines in cells.items():
            lines_by_part.setdefault(tuple(key[i] for i in chosen), []).append((key, lines))
        for part, members in lines_by_part.items():
            gone = [lines for key, lines in members if key in hidden]
            if gone and len(gone) < len(members):
                assert behind(frozenset().union(*gone)) >= SIZE, (seed, chosen, part)


def test_without_small_groups_nothing_is_hidden():
    world = World(0, households=500, lines=6000)
    table, cells = world.probe(("age",))
    probe = read_probe(table)
    assert min(map(behind, cells.values())) >= SIZE
    assert not review(probe, DisclosureHistory(SIZE), SIZE).any()


@pytest.mark.parametrize("seed", range(12))
def test_no_two_answers_differ_by_a_few_households(sqlite_store, now, seed):
    """A reader asks at random, with filters that cut off single households and products."""
    world, groups = World(seed, households=120), GroupControl(sqlite_store)
    disclosed = set()
    displayed = 0
    for number in range(25):
        by = world.random.choice([(), ("age",), ("product",), ("size", "product")])
        left_out = frozenset(world.random.sample(range(120), world.random.choice([0, 0, 1, 3, 30])))
        product = world.random.choice([None, None, "x", "z"])
        table, cells = world.probe(
            by, lambda line, out=left_out, p=product: line[1] not in out and (p is None or line[2] == p)
        )
        floor = suppress_in(groups, table, now, name=f"q{number}")
        hidden = {tuple(json.loads(text)) for _, text in floor.suppressed}
        displayed += len(cells) - len(hidden)
        disclosed |= disclosed_sets(cells, hidden, by)
    assert displayed > 20
    for one, other in itertools.combinations(disclosed, 2):
        assert behind(one ^ other) >= SIZE, seed


def test_a_tracker_finds_nothing(sqlite_store, now):
    """q(C) = q(C or T) + q(C or not T) - q(all): each of the three alone is large."""
    world, groups = World(0, households=200), GroupControl(sqlite_store)
    few = set(range(3))
    t = {h for h in world.age if world.age[h] == "a"} - few
    asked = [lambda h: True, lambda h: h in few or h in t, lambda h: h in few or h not in t]
    answers = []
    for number, wanted in enumerate(asked):
        table, _ = world.probe((), lambda line, wanted=wanted: wanted(line[1]))
        answers.append(not suppress_in(groups, table, now, name=f"t{number}").suppressed)
    assert answers == [True, True, False]


def suppress_in(groups, table, now, *, reader="ann", name="q", model="sales"):
    probe = GroupProbe(name, "", model, 2)
    return groups.suppress(reader, [probe], lambda _: table, MinimumGroup(SIZE), now=now)


def test_the_same_question_gets_the_same_answer_for_ever(sqlite_store, now):
    groups, held_back = GroupControl(sqlite_store), 0
    for seed in range(10):
        table, reader = World(seed).probe(("product", "age"))[0], f"reader {seed}"
        first = suppress_in(groups, table, now, reader=reader)
        held_back += bool(first.suppressed)
        for _ in range(3):
            assert suppress_in(groups, table, now, reader=reader) == first
        another = GroupControl(sqlite_store)  # another process, the same history
        assert suppress_in(another, table, now, reader=reader) == first
    assert held_back


@pytest.fixture
def pair():
    """Two questions that differ by three households."""
    world = World(0)
    whole, _ = world.probe(())
    less, _ = world.probe((), lambda line: line[1] >= 3)
    return whole, less


def test_readers_and_facts_have_histories_of_their_own(sqlite_store, now, pair):
    groups = GroupControl(sqlite_store)
    assert not suppress_in(groups, pair[0], now).suppressed
    assert suppress_in(groups, pair[1], now, name="q2").suppressed
    assert not suppress_in(groups, pair[1], now, name="q2", reader="bob").suppressed
    assert not suppress_in(groups, pair[1], now, name="q2", model="returns").suppressed


def test_of_two_questions_at_once_one_is_shown(store, now, pair):
    """Twenty threads with ten stores each, both questions: never both answers."""
    outcomes, gate = Counter(), threading.Barrier(20)
    controls = [GroupControl(store) for _ in range(10)]

    def run(number):
        gate.wait()
        floor = suppress_in(controls[number % 10], pair[number % 2], now, name=f"q{number % 2}")
        outcomes[number % 2, bool(floor.suppressed)] += 1

    threads = [threading.Thread(target=run, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = outcomes[0, False] == 10
    assert outcomes == Counter({(0, not first): 10, (1, first): 10})


def test_a_full_history_shows_only_what_is_known(sqlite_store, now, monkeypatch):
    world, groups = World(0, households=400, lines=4000), GroupControl(sqlite_store)
    by_age, cells = world.probe(("age",))
    suppress_in(groups, by_age, now)
    monkeypatch.setattr("governance.disclosure.history.MOST_GROUPS", 1)
    by_product, others = world.probe(("product",))
    assert len(suppress_in(groups, by_product, now, name="q2").suppressed) == len(others)
    assert len(suppress_in(groups, by_age, now).suppressed) < len(cells)


def test_too_many_dimensions_are_refused_before_anything_is_read(sqlite_store, now):
    def never(_):
        raise AssertionError

    probe = GroupProbe("q", "", "sales", control.MOST_DIMENSIONS + 1)
    with pytest.raises(ForbiddenError):
        GroupControl(sqlite_store).suppress("ann", [probe], never, MinimumGroup(SIZE), now=now)


def test_near_sketches_are_always_found():
    """The bands find every sketch that differs in one to nine buckets, and no other."""
    rng = generator()
    for density in (0.02, 0.1, 0.5, 1.0):
        base = rng.integers(1, 2**63, (40, BUCKETS), dtype=np.uint64)
        base *= (rng.random((40, BUCKETS)) < density).astype(np.uint64)
        disclosed = DisclosureHistory(SIZE)
        base = base[base.any(axis=1)]  # a sketch of nobody tells nothing
        for sketch in base:
            disclosed.add(Disclosure(sketch))
        for sketch in base[:20]:
            for changes in (1, 5, 9, 10, 30):
                changed = sketch.copy()
                at = rng.choice(BUCKETS, changes, replace=False)
                changed[at] += np.uint64(7)
                least = min(np.count_nonzero(other != changed) for other in base)
                assert disclosed.is_near(changed) == (0 < least < SIZE)


def test_the_history_holds_no_household_and_no_figure(sqlite_store, now):
    world, groups = World(0), GroupControl(sqlite_store)
    suppress_in(groups, world.probe(("age",))[0], now)
    with sqlite_store.read() as conn:
        columns = [c[1] for c in conn.exec_driver_sql("PRAGMA table_info(shown_groups)")]
    assert columns == ["number", "reader", "model", "fingerprint", "sketch", "is_shown", "shown_at"]


def test_of_equal_groups_one_is_chosen_whatever_their_keys_are():
    """A text, a number and NULL cannot be compared; the order of the probe can."""
    keys = [("small",), ("b",), (None,), (7,)]
    households = np.asarray([3, 12, 12, 12])
    sketches = np.zeros((4, BUCKETS), dtype=np.uint64)
    for group, count in enumerate(households):
        sketches[group, :count] = group + 1
    hidden = hide_small(Groups(keys, households, sketches), DisclosureHistory(SIZE), SIZE)
    assert list(hidden) == [True, True, False, False]
