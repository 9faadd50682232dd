"""The day loop: review, order, receive, sell, lose; vectorised over all product-locations.

Order of a day: receipts, departures, recorded sales, customer returns, expiry (first in, first out), shrink,
unmet demand, review, rebalancing, expediting. Expediting looks one day ahead: where the morrow's recorded
sales exceed the stock, the pending order is pulled forward and what lacks is rushed, so they always stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from integrations.demo.ledger.attributes import DAYS
from integrations.demo.ledger.conditions import Conditions
from integrations.demo.ledger.network import Network
from integrations.demo.ledger.orders import NEVER, Kind, OrderBook
from integrations.demo.ledger.parameters import Parameters
from integrations.demo.ledger.rebalance import matches


@dataclass
class Flows:
    """What the loop leaves: closing state per day and pair, flows per day and pair, and orders as rows."""

    on_hand: np.ndarray
    on_order: np.ndarray
    in_transit: np.ndarray
    reserved: np.ndarray
    unmet: np.ndarray
    aged: np.ndarray
    waste: np.ndarray
    shrink: np.ndarray
    ranged: np.ndarray
    opening: np.ndarray
    total_in: np.ndarray
    orders: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def blank(cls, pairs: int) -> Flows:
        """All zero, one column per pair."""
        daily = [f.name for f in fields(cls) if f.name not in ("ranged", "opening", "orders")]
        arrays = {name: np.zeros((DAYS, pairs), np.int32) for name in daily}
        return cls(
            **arrays, ranged=np.zeros((DAYS, pairs), bool), opening=np.zeros(pairs, np.int32), orders={}
        )


def run_days(network: Network, conditions: Conditions, parameters: Parameters) -> Flows:
    """Simulate the year. Raises nothing: a recorded sale that cannot be served is a defect, asserted away."""
    loop = _Loop(network, conditions, parameters)
    for day in range(DAYS):
        loop.step(day)
    return loop.finish()


class _Loop:
    def __init__(self, network: Network, conditions: Conditions, parameters: Parameters) -> None:
        n = network.pairs
        self.net, self.cond = network, conditions
        self.policy = parameters.section("policy")
        self.shrink_rate = parameters.section("losses")["shrink_per_unit_day"]
        self.noise = parameters.stream("days")
        self.is_dc = np.arange(n) >= network.stores
        self.from_dc = network.source >= 0
        total = np.concatenate(
            [np.zeros((1, n), np.int32), np.cumsum(network.sales[:DAYS], axis=0, dtype=np.int32)]
        )
        self.cumulative_sales = total
        self.rate = self._opening_rate(total)
        self.pending = np.zeros(n, np.int32)
        self.pending_arrival = np.full(n, NEVER, np.int32)
        self.pending_row = np.full(n, -1, np.int64)
        self.pending_shipped = np.full(n, NEVER, np.int32)
        self.rush = np.zeros(n, np.int32)
        self.departing = np.zeros(n, np.int32)
        self.total_in = np.zeros((DAYS + 1, n), np.int32)
        self.total_out = np.zeros(n, np.int32)
        self.book = OrderBook()
        self.flows = Flows.blank(n)
        self.on_hand = self._opening_stock()

    def _opening_rate(self, total: np.ndarray) -> np.ndarray:
        """First belief of demand: the year's mean over the days on range (a planner knows his shop)."""
        span = np.maximum(self.cond.ranged_to - self.cond.ranged_from, 14)
        rate = total[-1] / span
        served = np.zeros(self.net.pairs)
        np.add.at(served, self.net.source[self.from_dc], rate[self.from_dc])
        return np.asarray(np.where(self.is_dc, served, rate))

    def _levels(self) -> tuple[np.ndarray, np.ndarray]:
        """Reorder point s and order-up-to level S of every pair, in units."""
        policy, mean = self.policy, self.rate * self.cond.exposure_days
        z = np.where(self.is_dc, policy["dc_safety_z"], policy["store_safety_z"])
        reorder = np.ceil(mean + z * np.sqrt(mean)) - 1
        cover = np.where(self.is_dc, policy["dc_cover_days"], policy["store_cover_days"])
        cover = np.minimum(cover, self.net.shelf_life / 3)
        upto = reorder + np.maximum(1, np.ceil(self.rate * cover))
        return np.maximum(reorder, 0).astype(np.int32), np.maximum(upto, 1).astype(np.int32)

    def _opening_stock(self) -> np.ndarray:
        reorder, upto = self._levels()
        draw = self.noise.random(self.net.pairs)
        stock = reorder + np.ceil((upto - reorder + self.net.pack) * draw).astype(np.int32)
        stock = np.where(self.cond.ranged_from == 0, stock, 0)
        return np.asarray(np.maximum(stock, self.net.sales[0]), np.int32)

    def step(self, day: int) -> None:
        """One day over all pairs."""
        net, flows, sales = self.net, self.flows, self.net.sales[day]
        start = self.on_hand
        if day == 0:
            flows.opening[:] = start
        arrived = np.where(self.pending_arrival == day, self.pending, 0)
        done = self.pending_arrival == day
        self.pending[done], self.pending_arrival[done], self.pending_row[done] = 0, NEVER, -1
        self.pending_shipped[done] = NEVER
        inward = arrived + self.rush + self.cond.returned[day]
        outward = sales + self.departing
        stock = start + inward - outward
        if (stock < 0).any():  # pragma: no cover - a defect of the loop
            raise AssertionError(f"day {day}: stock below zero at pairs {np.flatnonzero(stock < 0)[:5]}")
        before = self.total_in[day - 1] if day else np.zeros(net.pairs, np.int32)
        self.total_in[day] = before + inward + (start if day == 0 else 0)
        self.total_out += outward
        waste = self._older_than(day, net.shelf_life)
        waste = np.minimum(waste, stock)
        stock = stock - waste
        self.total_out += waste
        lost = self._shrink(day, stock)
        stock = stock - lost
        self.total_out += lost
        self.rush[:], self.departing[:] = 0, 0

        ranged = (day >= self.cond.ranged_from) & (day < self.cond.ranged_to)
        unmet = self._unmet(day, stock, ranged)
        served = np.where(self.is_dc, 0, sales)
        self.on_hand = stock
        requested = self._review(day, ranged)
        if day % self.policy["rebalancing"]["every_days"] == 0:
            self._rebalance(day, ranged)
        self._expedite(day)
        memory = 1 / self.policy["demand_memory_days"]
        self.rate += memory * (np.where(self.is_dc, requested, served) - self.rate) * ranged

        flows.on_hand[day], flows.waste[day], flows.shrink[day], flows.unmet[day] = stock, waste, lost, unmet
        flows.ranged[day] = ranged
        flows.aged[day] = np.minimum(self._older_than(day, np.maximum(net.shelf_life // 2, 1)), stock)
        moving = self.pending_shipped <= day
        flows.in_transit[day] = np.where(moving, self.pending, 0)
        flows.on_order[day] = np.where(moving, 0, self.pending) + self.rush
        flows.reserved[day] = self.departing

    def _older_than(self, day: int, days: np.ndarray) -> np.ndarray:
        """Units on hand received `days` ago or longer, if the oldest leave first."""
        index = day - days
        received = np.where(index >= 0, self.total_in[np.maximum(index, 0), np.arange(self.net.pairs)], 0)
        return np.asarray(np.maximum(received - self.total_out, 0))

    def _shrink(self, day: int, stock: np.ndarray) -> np.ndarray:
        chance = self.shrink_rate * self.cond.shrink_factor(day) * stock
        whole = np.floor(chance)
        lost = whole + (self.noise.random(self.net.pairs) < chance - whole)
        return np.asarray(np.minimum(lost.astype(np.int32), stock))

    def _unmet(self, day: int, stock: np.ndarray, ranged: np.ndarray) -> np.ndarray:
        """Demand that found an empty shelf, at the pace of the eight weeks around the day."""
        empty = np.flatnonzero((stock == 0) & ranged & ~self.is_dc)
        low, high = max(0, day - 28), min(DAYS, day + 29)
        pace = (self.cumulative_sales[high, empty] - self.cumulative_sales[low, empty]) / (high - low)
        part = np.where(self.net.sales[day, empty] > 0, 0.4, 1.0)  # sold out during the day
        result = np.zeros(self.net.pairs, np.int16)
        result[empty] = self.noise.poisson(pace * part)
        return result

    def _review(self, day: int, ranged: np.ndarray) -> np.ndarray:
        """Place orders; returns the units that stores asked of each DC pair."""
        net, cond = self.net, self.cond
        reorder, upto = self._levels()
        open_for_orders = (day >= cond.order_from) & (day < cond.order_until)
        due = open_for_orders & ((day + net.location) % cond.review_days == 0) & (self.pending == 0)
        due &= self.on_hand <= reorder
        quantity = np.where(due, np.ceil((upto - self.on_hand) / net.pack) * net.pack, 0).astype(np.int32)
        direct = np.flatnonzero((quantity > 0) & ~self.from_dc)
        self._order_from_supplier(day, direct, quantity[direct])
        wants = np.flatnonzero((quantity > 0) & self.from_dc)
        requested = np.zeros(net.pairs, np.int64)
        np.add.at(requested, net.source[wants], quantity[wants])
        self._order_from_dc(day, wants, quantity[wants])
        return requested

    def _order_from_supplier(self, day: int, pair: np.ndarray, quantity: np.ndarray) -> None:
        cond = self.cond
        lead = cond.lead_time(day, self.net.supplier[pair], self.net.location[pair])
        promised = day + cond.promised_days[self.net.supplier[pair]]
        received = cond.delivered(quantity, self.net.supplier[pair])
        rows = self.book.add(
            pair,
            Kind.SUPPLIER,
            day=day,
            promised=promised,
            arrival=day + lead,
            ordered=quantity,
            received=received,
        )
        self.pending[pair], self.pending_arrival[pair], self.pending_row[pair] = received, day + lead, rows
        none = received == 0
        self.pending_arrival[pair[none]], self.pending_row[pair[none]] = NEVER, -1

    def _order_from_dc(self, day: int, pair: np.ndarray, quantity: np.ndarray) -> None:
        """The DC gives what is free, in order of location; the rest is asked again at the next review."""
        net = self.net
        order = np.argsort(net.source[pair], kind="stable")
        pair, quantity = pair[order], quantity[order]
        source = net.source[pair]
        earlier = np.cumsum(quantity) - quantity
        first = np.r_[True, source[1:] != source[:-1]] if len(source) else np.zeros(0, bool)
        base = np.maximum.accumulate(np.where(first, earlier, 0)) if len(source) else earlier
        free = (self.on_hand - self.departing)[source] - (earlier - base)
        given = np.clip(np.minimum(quantity, free) // net.pack[pair] * net.pack[pair], 0, None).astype(
            np.int32
        )
        positive = given > 0
        pair, given, source = pair[positive], given[positive], source[positive]
        np.add.at(self.departing, source, given)
        arrival = day + 1 + self.cond.transfer_days[net.location[pair]]
        rows = self.book.add(
            pair, Kind.FROM_DC, day=day, promised=arrival, arrival=arrival, ordered=given, received=given,
            shipped=day + 1, source=source,
        )  # fmt: skip
        self._await(pair, given, arrival, rows, shipped=day + 1)

    def _rebalance(self, day: int, ranged: np.ndarray) -> None:
        """Stores with more than they would order up to give to stores of their region that have none."""
        net, rules = self.net, self.policy["rebalancing"]
        _, upto = self._levels()
        keeps = ranged & ~self.is_dc & (net.shelf_life >= rules["least_shelf_life_days"])
        keeps &= (day >= self.cond.order_from) & (day < self.cond.order_until)
        surplus = np.where(keeps, self.on_hand - self.departing - upto, 0)
        surplus = np.where(surplus >= rules["least_surplus_units"], surplus, 0)
        lacks = keeps & (self.on_hand == 0) & (self.pending == 0)
        giver, taker = matches(net.group, surplus, np.where(lacks, upto, 0))
        given = np.minimum(surplus[giver], upto[taker]).astype(np.int32)
        self.departing[giver] += given
        arrival = day + 1 + self.cond.transfer_days[net.location[taker]]
        rows = self.book.add(
            taker, Kind.FROM_STORE, day=day, promised=arrival, arrival=arrival, ordered=given, received=given,
            shipped=day + 1, source=giver,
        )  # fmt: skip
        self._await(taker, given, arrival, rows, shipped=day + 1)

    def _await(
        self, pair: np.ndarray, units: np.ndarray, arrival: np.ndarray, rows: np.ndarray, *, shipped: int
    ) -> None:
        """A transfer on its way to each pair."""
        self.pending[pair], self.pending_arrival[pair], self.pending_shipped[pair] = units, arrival, shipped
        self.pending_row[pair] = rows

    def _expedite(self, day: int) -> None:
        """Make the morrow's recorded sales possible."""
        if day + 1 >= DAYS:
            return
        net = self.net
        coming = np.where(self.pending_arrival == day + 1, self.pending, 0)
        short = net.sales[day + 1] + self.departing - self.on_hand - coming
        pull = np.flatnonzero((short > 0) & (self.pending > 0) & (self.pending_arrival > day + 1))
        self.pending_arrival[pull] = day + 1
        self.book.pull_forward(self.pending_row[pull], day + 1)
        short[pull] -= self.pending[pull]
        rush = np.flatnonzero(short > 0)
        quantity = (np.ceil(short[rush] / net.pack[rush]) * net.pack[rush]).astype(np.int32)
        self.rush[rush] = quantity
        self.book.add(
            rush, Kind.RUSH, day=day, promised=day + 1, arrival=day + 1, ordered=quantity, received=quantity
        )

    def finish(self) -> Flows:
        """What the year left; pulled-forward orders carry the day on which they really came."""
        self.flows.orders = self.book.columns()
        self.flows.total_in[:] = self.total_in[:DAYS]
        return self.flows
