"""Transfer before buying: stock that one place can spare, to where it is worth more than moving it costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from models_ml.recommend import transfer_proposals
from models_ml.recommend.count_distributions import expected_served
from models_ml.recommend.flow import Lanes, Network, Segments, move_packs
from models_ml.recommend.inputs.needs import Needs
from models_ml.recommend.kind import STOCK_AND_DEMAND, Situation
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.quantity import order_quantity, spare_units

MOST_SEGMENTS = 6  # packs valued one by one; what lies beyond has the value of the last


def plan_transfers(needs: Needs, parameters: ReorderParameters) -> tuple[pd.DataFrame, Network]:
    """Moves of whole packs between places of one region, and the flow that they are.

    One row per donor, receiver and product: `donor` and `receiver` are row numbers of `needs.rows`, with
    `quantity_units`, `transfer_cost` and `net_benefit` (worth gained there less worth lost here less
    the move). A store gives only what it has beyond its own demand's quantile over its protection interval;
    a distribution centre gives all that is free, to the stores it serves. A centre's stock makes its way to
    a store sooner or later, so that waiting would not save the move: it does not count against it.
    """
    rows = needs.rows
    pack = np.maximum(rows["case_pack_units"].to_numpy(float), 1)
    product = pd.factorize(rows["product_id"], sort=True)[0]
    is_store = (rows["location_type"] == "store").to_numpy()
    lacking = np.where(is_store, wanted_units(rows), 0) / pack
    spare = np.floor(spare_units(rows, parameters) / pack)
    receiver, donor = np.flatnonzero(lacking > 0), np.flatnonzero(spare > 0)
    ends = rows[["location_id", "location_type", "region", "serving_dc_id"]].assign(
        product=product, row=np.arange(len(rows)), pack=pack
    )
    lanes = _lanes(ends.loc[donor], ends.loc[receiver], parameters)
    if not len(lanes.donor):
        return _no_moves(), move_packs(*_nothing())
    spare = np.minimum(spare, np.bincount(product, lacking, product.max() + 1)[product])
    supply = _segments(rows, product, np.unique(lanes.donor), spare, pack, sign=-1)
    need = _segments(rows, product, np.unique(lanes.receiver), lacking, pack, sign=1)
    network = move_packs(supply, need, lanes)
    moved = np.flatnonzero(network.packs > 0)
    moves = pd.DataFrame({
        "donor": lanes.donor[moved], "receiver": lanes.receiver[moved],
        "quantity_units": network.packs[moved] * pack[lanes.donor[moved]],
    })  # fmt: skip
    return _worth_the_walk(moves, rows, parameters), network


def wanted_units(rows: pd.DataFrame) -> np.ndarray:
    """Units up to base stock in whole packs, within what keeps; no minimum order holds between own places."""
    columns = ("position", "level", "case_pack_units", "sellable")
    position, level, pack, sellable = (rows[name].to_numpy(float) for name in columns)
    return order_quantity(position, level, pack, np.ones(len(rows)), sellable)


def _lanes(donors: pd.DataFrame, receivers: pd.DataFrame, parameters: ReorderParameters) -> Lanes:
    """Within a region: a centre to the stores it serves, a store to every other store."""
    pairs = donors.merge(receivers, on=["product", "region"], suffixes=("", "_to"))
    from_centre = pairs["location_type"] == "dc"
    fits = (pairs["location_id"] != pairs["location_id_to"]) & (
        ~from_centre | (pairs["location_id"] == pairs["serving_dc_id_to"])
    )
    pairs = pairs[fits].sort_values(["product", "row", "row_to"], kind="stable")
    transfer_unit_cost = np.where(pairs["location_type"] == "dc", 0.0, parameters.store_transfer)
    return Lanes(
        pairs["product"].to_numpy(int), pairs["row"].to_numpy(int), pairs["row_to"].to_numpy(int),
        transfer_unit_cost * pairs["pack_to"].to_numpy(float),
    )  # fmt: skip


def _segments(
    rows: pd.DataFrame, product: np.ndarray, nodes: np.ndarray, packs: np.ndarray, pack: np.ndarray, *,
    sign: int,
) -> Segments:  # fmt: skip
    """The value of pack after pack: gained on top of the position (sign 1), lost from it (sign −1).

    A centre loses nothing by giving: it holds stock for its stores.
    """
    mean, variance = (rows[name].to_numpy(float)[nodes] for name in ("demand_mean", "demand_variance"))
    start = np.maximum(rows["position" if sign > 0 else "free"].to_numpy(float)[nodes], 0)
    worth = np.where(
        (rows["location_type"].to_numpy()[nodes] == "dc") & (sign < 0), 0, rows["worth"].to_numpy()[nodes]
    )
    step, left = pack[nodes] * sign, packs[nodes]
    out, value = [], np.zeros(len(nodes))
    for j in range(MOST_SEGMENTS):
        here = np.minimum(left, 1 if j < MOST_SEGMENTS - 1 else np.inf)
        low, high = start + j * step, start + (j + 1) * step
        value = worth * sign * (expected_served(high, mean, variance) - expected_served(low, mean, variance))
        out.append((product[nodes], nodes, here, value))
        left = left - here
    parts = [np.concatenate(column) for column in zip(*out, strict=True)]
    filled = parts[2] > 0
    order = np.lexsort((parts[1][filled], parts[0][filled]))
    return Segments(*(part[filled][order] for part in parts))


def _worth_the_walk(moves: pd.DataFrame, rows: pd.DataFrame, parameters: ReorderParameters) -> pd.DataFrame:
    """With the net benefit of each move, given all others; small ones between stores are left."""
    priced = price_moves(moves, rows, parameters)
    enough = priced["net_benefit"] >= parameters.least_store_benefit
    return price_moves(priced[priced["from_centre"] | enough].reset_index(drop=True), rows, parameters)


def price_moves(moves: pd.DataFrame, rows: pd.DataFrame, parameters: ReorderParameters) -> pd.DataFrame:
    """With what each move brings on top of the larger ones into (and out of) the same place.

    `gained_units` and `lost_units` are expected units served there more and here less.
    `charged_cost` is the part of the move's cost that this move answers for: all of it between stores,
    from a centre that of the units which sell before the next delivery.
    """
    ordered = moves.sort_values(["quantity_units", "donor", "receiver"], ascending=[False, True, True])
    for end, sign, start in (("receiver", 1, "position"), ("donor", -1, "free")):
        at = rows.iloc[ordered[end]]
        before = ordered.groupby(end)["quantity_units"].cumsum() - ordered["quantity_units"]
        mean, variance = at["demand_mean"].to_numpy(float), at["demand_variance"].to_numpy(float)
        low = np.maximum(at[start].to_numpy(float), 0) + sign * before.to_numpy(float)
        high = low + sign * ordered["quantity_units"].to_numpy(float)
        change = sign * (expected_served(high, mean, variance) - expected_served(low, mean, variance))
        if sign < 0:
            change = np.where(at["location_type"] == "dc", 0, change)
        name = "gained_units" if sign > 0 else "lost_units"
        ordered[name] = change
        ordered[f"{end}_before_units"] = low
        ordered[name.replace("units", "worth")] = change * at["worth"].to_numpy(float)
    units = ordered["quantity_units"].to_numpy(float)
    ordered["from_centre"] = rows["location_type"].to_numpy()[ordered["donor"]] == "dc"
    from_centre_cost = rows["centre_transfer"].to_numpy(float)[ordered["receiver"]]
    transfer_unit_cost = np.where(ordered["from_centre"], from_centre_cost, parameters.store_transfer)
    ordered["transfer_cost"] = units * transfer_unit_cost
    answered = np.where(ordered["from_centre"], ordered["gained_units"], units)
    ordered["charged_cost"] = answered * transfer_unit_cost
    ordered["net_benefit"] = ordered["gained_worth"] - ordered["lost_worth"] - ordered["charged_cost"]
    return ordered.sort_index()


def _nothing() -> tuple[Segments, Segments, Lanes]:
    none = np.zeros(0, int)
    return Segments(none, none, none, none), Segments(none, none, none, none), Lanes(none, none, none, none)


def _no_moves() -> pd.DataFrame:
    columns = ("donor", "receiver", "quantity_units", "net_benefit", "charged_cost")
    return pd.DataFrame({name: [] for name in columns}).astype({"donor": int, "receiver": int})


def netted_of(needs: Needs, moves: pd.DataFrame) -> Needs:
    """Needs after the moves: what comes in and goes out counts as done."""
    size, units = len(needs.rows), moves["quantity_units"].to_numpy(float)
    rows = needs.rows.assign(
        moved_in_units=np.bincount(moves["receiver"].to_numpy(int), units, size),
        moved_out_units=np.bincount(moves["donor"].to_numpy(int), units, size),
    )
    return Needs(rows, needs.weekly_mean, needs.weekly_variance)


class Transfer:
    """Stock that another place can spare, before anything is bought."""

    action = "transfer"
    needs = STOCK_AND_DEMAND
    assumes = (("transfers", "the usual cost and time of a move"),)

    def plan(self, situation: Situation) -> Situation:
        moves, _ = plan_transfers(situation.needs, situation.run.parameters)
        return replace(situation, moves=moves, netted=netted_of(situation.needs, moves))

    def propose(self, situation: Situation) -> pd.DataFrame:
        return transfer_proposals.propose(situation.needs, situation.moves, situation.run)


KIND = Transfer()
