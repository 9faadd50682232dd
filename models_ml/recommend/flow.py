"""Who gives to whom: a min-cost flow for each product, with a certificate that it is optimal.

Supplies and needs are in packs and come in segments: a donor's loss rises and a receiver's gain falls with
every further pack, so that the linear flow over segments is the optimum of the concave problem (Ahuja,
Magnanti & Orlin, Network Flows, 14.3). Products share nothing here, so each is a small flow of its own, which
is ten times faster than one large one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_ml.errors import ModelError

COST_SCALE = 10_000  # costs are whole hundredths of a cent; the solver's arithmetic is in integers
_SOURCE, _SINK, _FIRST_DONOR = 0, 1, 2


@dataclass(frozen=True)
class Segments:
    """`packs[i]` packs of `node[i]` at `usd[i]` a pack: lost where given away, gained where received."""

    product: np.ndarray
    node: np.ndarray
    packs: np.ndarray
    usd: np.ndarray

    def of(self, rows: slice) -> Segments:
        """Some of them."""
        return Segments(self.product[rows], self.node[rows], self.packs[rows], self.usd[rows])


@dataclass(frozen=True)
class Lanes:
    """From donor node to receiver node at a cost in USD a pack."""

    product: np.ndarray
    donor: np.ndarray
    receiver: np.ndarray
    usd: np.ndarray

    def of(self, rows: slice) -> Lanes:
        """Some of them."""
        return Lanes(self.product[rows], self.donor[rows], self.receiver[rows], self.usd[rows])


@dataclass(frozen=True)
class Network:
    """The arcs as the solver saw them, in whole cost units, and what flows on each."""

    tail: np.ndarray
    head: np.ndarray
    capacity: np.ndarray
    cost: np.ndarray
    flow: np.ndarray
    is_lane: np.ndarray
    nodes: int

    @property
    def packs(self) -> np.ndarray:
        """Packs moved on each lane, in the order of the lanes."""
        return np.asarray(self.flow[self.is_lane])

    @property
    def benefit(self) -> float:
        """Gained less lost less moved, over everything."""
        return float(-(self.flow * self.cost).sum() / COST_SCALE)


def move_packs(supply: Segments, need: Segments, lanes: Lanes) -> Network:
    """The flow of greatest net benefit; what does not pay stays where it is.

    All three are sorted by product; nodes may be any whole numbers. Raises ModelError when the solver finds
    no optimum, which these networks always have.
    """
    solved, first = [], 0
    for product in np.intersect1d(supply.product, need.product):
        one = _one_product(
            supply.of(_rows(supply.product, product)),
            need.of(_rows(need.product, product)),
            lanes.of(_rows(lanes.product, product)),
        )
        solved.append((one, first))
        first += one.nodes
    return Network(
        tail=_joined([one.tail + at for one, at in solved]),
        head=_joined([one.head + at for one, at in solved]),
        capacity=_joined([one.capacity for one, _ in solved]),
        cost=_joined([one.cost for one, _ in solved]),
        flow=_joined([one.flow for one, _ in solved]),
        is_lane=_joined([one.is_lane for one, _ in solved]).astype(bool),
        nodes=first,
    )


def is_optimal(network: Network, *, rounds: int = 500) -> bool:
    """Whether no cycle of the residual network saves money: then no other flow is better.

    Node potentials by Bellman–Ford over all arcs at once; they settle exactly when there is no negative
    cycle. False also where they have not settled after `rounds`.
    """
    forward, back = network.flow < network.capacity, network.flow > 0
    tail = np.concatenate([network.tail[forward], network.head[back]])
    head = np.concatenate([network.head[forward], network.tail[back]])
    cost = np.concatenate([network.cost[forward], -network.cost[back]])
    potential = np.zeros(network.nodes, np.int64)
    for _ in range(rounds):
        relaxed = potential.copy()
        np.minimum.at(relaxed, head, potential[tail] + cost)
        if np.array_equal(relaxed, potential):
            return True
        potential = relaxed
    return False


def _one_product(supply: Segments, need: Segments, lanes: Lanes) -> Network:
    from ortools.graph.python import min_cost_flow

    donors, donor_of = np.unique(supply.node, return_inverse=True)
    receivers, receiver_of = np.unique(need.node, return_inverse=True)
    donor, receiver = np.searchsorted(donors, lanes.donor), np.searchsorted(receivers, lanes.receiver)
    first_receiver, total = _FIRST_DONOR + len(donors), int(need.packs.sum())
    widest = np.minimum(
        np.bincount(donor_of, supply.packs)[donor], np.bincount(receiver_of, need.packs)[receiver]
    )
    out, into = np.full(len(donor_of), _SOURCE), np.full(len(receiver_of), _SINK)
    tail = np.concatenate([out, _FIRST_DONOR + donor, first_receiver + receiver_of, [_SOURCE]])
    head = np.concatenate([_FIRST_DONOR + donor_of, first_receiver + receiver, into, [_SINK]])
    capacity = np.concatenate([supply.packs, widest, need.packs, [total]]).astype(np.int64)
    cost = np.rint(np.concatenate([supply.usd, lanes.usd, -need.usd, [0.0]]) * COST_SCALE).astype(np.int64)
    is_lane = np.zeros(len(cost), bool)
    is_lane[len(donor_of) : len(donor_of) + len(donor)] = True
    solver = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        tail.astype(np.int32), head.astype(np.int32), capacity, cost
    )
    solver.set_nodes_supplies(np.array([_SOURCE, _SINK]), np.array([total, -total]))
    if solver.solve() != solver.OPTIMAL:
        raise ModelError("The transfers have no optimal flow.")
    flow = np.asarray(solver.flows(arcs), np.int64)
    return Network(tail, head, capacity, cost, flow, is_lane, first_receiver + len(receivers))


def _rows(sorted_products: np.ndarray, product: int) -> slice:
    low, high = np.searchsorted(sorted_products, [product, product + 1])
    return slice(int(low), int(high))


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
