"""Transfers: optimal by certificate and by a linear programme, donors protected, packs whole."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import linprog

from models_ml.recommend.count_distributions import quantile
from models_ml.recommend.flow import COST_SCALE, Lanes, Network, Segments, is_optimal, move_packs
from models_ml.recommend.inputs.needs import Needs
from models_ml.recommend.kinds.transfer import plan_transfers
from models_ml.recommend.parameters import ReorderParameters
from tests.seeds import SEED, generator


def random_market(rng: np.random.Generator, products: int, donors: int, receivers: int) -> tuple:
    """Supplies whose loss rises, needs whose gain falls, and a lane between every two places."""
    supply, need, lanes = [], [], []
    for product in range(products):
        for node in range(donors):
            loss = np.sort(rng.uniform(0, 1, 2))
            supply += [(product, node, int(rng.integers(1, 5)), value) for value in loss]
        for node in range(receivers):
            gain = -np.sort(-rng.uniform(0, 3, 3))
            need += [(product, node, int(rng.integers(1, 3)), value) for value in gain]
        for pair in np.ndindex(donors, receivers):
            lanes.append((product, *pair, rng.uniform(0.05, 1)))
    arrays = [[np.array(column) for column in zip(*rows, strict=True)] for rows in (supply, need, lanes)]
    return Segments(*arrays[0]), Segments(*arrays[1]), Lanes(*arrays[2])


def by_linear_programme(network: Network) -> float:
    """The same arcs as a linear programme: balance at every node but the sources and sinks."""
    nodes, arcs = network.nodes, len(network.cost)
    ends = np.concatenate([network.tail, network.head]), np.tile(np.arange(arcs), 2)
    balance = sparse.coo_matrix((np.repeat([1.0, -1.0], arcs), ends), shape=(nodes, arcs)).tocsr()
    net = np.asarray(balance @ network.flow).ravel()
    inner = np.flatnonzero(net == 0)
    optimum = linprog(
        network.cost / COST_SCALE, A_eq=balance[inner], b_eq=np.zeros(len(inner)),
        bounds=list(zip(np.zeros(arcs), network.capacity, strict=True)),
    )  # fmt: skip
    return -optimum.fun


def test_the_flow_is_the_linear_optimum_and_knows_it() -> None:
    rng = generator()
    for _ in range(25):
        sizes = rng.integers(1, 6, 3)
        network = move_packs(*random_market(rng, *(int(n) for n in sizes)))
        assert is_optimal(network), f"seed {SEED}"
        assert network.benefit == pytest.approx(by_linear_programme(network), abs=1e-6), f"seed {SEED}"


def test_the_certificate_refuses_a_flow_that_is_not_optimal() -> None:
    rng = generator(1)
    network = move_packs(*random_market(rng, 1, 4, 4))
    idle = np.zeros_like(network.flow)
    idle[-1] = network.capacity[-1]  # everything past all shelves: what is asked for stays unmet
    nothing = Network(**{**vars(network), "flow": idle})
    assert is_optimal(network)
    assert not is_optimal(nothing)


def test_a_hundred_stores_and_two_thousand_products_in_seconds() -> None:
    rng = generator(2)
    products, donors, receivers = 2000, 14, 25
    nodes = np.tile(np.arange(donors), products), np.tile(np.repeat(np.arange(receivers), 2), products)
    ids = [np.repeat(np.arange(products), n) for n in (donors, 2 * receivers, donors * receivers)]
    supply = Segments(ids[0], nodes[0], rng.integers(1, 9, len(ids[0])), rng.uniform(0, 1, len(ids[0])))
    gain = -np.sort(-rng.uniform(0, 3, (products * receivers, 2)), axis=1).ravel()
    need = Segments(ids[1], nodes[1], rng.integers(1, 3, len(ids[1])), gain)
    lane = np.tile(np.indices((donors, receivers)).reshape(2, -1), products)
    lanes = Lanes(ids[2], lane[0], lane[1], rng.uniform(0.05, 1, len(ids[2])))
    started = time.process_time()
    network = move_packs(supply, need, lanes)
    assert time.process_time() - started < 5
    assert network.packs.sum() > 10_000
    assert is_optimal(network)


def market(**columns: list) -> Needs:
    """Three stores of one region and their centre, one product, unless changed."""
    rows = pd.DataFrame({
        "location_id": ["A", "B", "C", "DC"], "location_type": ["store", "store", "store", "dc"],
        "region": "East", "serving_dc_id": ["DC", "DC", "DC", None], "product_id": "p",
        "case_pack_units": 2.0, "demand_mean": [4.0, 4.0, 0.5, 9.0], "demand_variance": [6.0, 6.0, 0.6, 14.0],
        "interval_days": 5.0, "level": [8.0, 8.0, 2.0, 16.0], "free": [0.0, 30.0, 3.0, 0.0],
        "position": [0.0, 30.0, 3.0, 0.0], "sellable": 1000.0, "worth": 2.0, "unit_margin": 1.0,
        "centre_transfer": 0.04,
    })  # fmt: skip
    rows = rows.assign(**columns)
    return Needs(rows, np.ones((len(rows), 8)), np.ones((len(rows), 8)))


def test_the_store_with_too_much_gives_and_keeps_its_own_quantile() -> None:
    needs, parameters = market(), ReorderParameters()
    moves, network = plan_transfers(needs, parameters)
    assert is_optimal(network)
    assert set(moves["donor"]) == {1}
    assert set(moves["receiver"]) == {0}
    assert (moves["quantity_units"] % 2 == 0).all()
    own = quantile(np.array([parameters.donor_service]), np.array([4.0]), np.array([6.0]))[0]
    assert 30 - moves["quantity_units"].sum() >= max(own, 8)
    assert moves["quantity_units"].sum() == 8  # up to base stock, no more


def test_no_donor_ever_falls_below_its_protection() -> None:
    rng = generator(3)
    parameters = ReorderParameters()
    moved = 0
    for _ in range(200):
        free = rng.integers(0, 20, 4).astype(float)
        level = rng.integers(1, 12, 4).astype(float)
        needs = market(free=free, position=free + rng.integers(0, 3, 4), level=level)
        moves, network = plan_transfers(needs, parameters)
        assert is_optimal(network), f"seed {SEED}"
        out = moves.groupby("donor")["quantity_units"].sum()
        for donor, units in out.items():
            reserved = 0.0
            if donor != 3:
                row = needs.rows.iloc[donor]
                own = quantile(*(np.array([x]) for x in (0.95, row["demand_mean"], row["demand_variance"])))[
                    0
                ]
                reserved = max(own, row["level"])
            assert free[donor] - units >= reserved, f"seed {SEED}: {donor} gives {units} of {free[donor]}"
        into = moves.groupby("receiver")["quantity_units"].sum()
        lacking = np.ceil(np.maximum(level - needs.rows["position"], 0) / 2) * 2
        assert (into <= lacking.iloc[into.index]).all()
        assert (moves["net_benefit"] > 0).all()
        moved += len(moves)
    assert moved > 100


def test_no_move_that_costs_more_than_it_brings() -> None:
    moves, _ = plan_transfers(market(worth=0.1), ReorderParameters())
    assert moves.empty
    across, _ = plan_transfers(market(region=["East", "West", "East", "East"]), ReorderParameters())
    assert across.empty
