"""What the world does to the plan: lead times, misses, returns, ranges, and the planted anomalies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from integrations.demo.ledger.attributes import DAYS
from integrations.demo.ledger.network import Network
from integrations.demo.ledger.parameters import Parameters


@dataclass
class Conditions:
    """Arrays over pairs unless said otherwise; days count from 1 January."""

    ranged_from: np.ndarray
    ranged_to: np.ndarray
    order_from: np.ndarray
    order_until: np.ndarray
    review_days: np.ndarray
    exposure_days: np.ndarray
    transfer_days: np.ndarray  # by location
    promised_days: np.ndarray  # by supplier
    lead_times: np.ndarray  # by day, supplier, location
    miss_rate: np.ndarray  # by supplier
    returned: np.ndarray  # units by day and pair
    shrink_anomaly: tuple[np.ndarray, int, int, float]
    misses: np.random.Generator
    planted_anomalies: dict[str, object]

    def lead_time(self, day: int, supplier: np.ndarray, location: np.ndarray) -> np.ndarray:
        """Days from order to receipt; one draw per day, supplier and location: an order arrives whole."""
        return np.asarray(self.lead_times[day, supplier, location], np.int32)

    def delivered(self, quantity: np.ndarray, supplier: np.ndarray) -> np.ndarray:
        """Units that arrive of what was ordered; a missed line brings between none and most of it."""
        missed = self.misses.random(len(quantity)) < self.miss_rate[supplier]
        part = np.floor(quantity * self.misses.uniform(0.2, 0.95, len(quantity)))
        return np.where(missed, part, quantity).astype(np.int32)

    def shrink_factor(self, day: int) -> np.ndarray | float:
        """1, or more for the pairs and days of the planted shrink anomaly runs."""
        pairs, start, end, factor = self.shrink_anomaly
        return np.where(pairs, factor, 1.0) if start <= day < end else 1.0


def draw_conditions(
    network: Network, suppliers: dict[str, np.ndarray], departments: np.ndarray, parameters: Parameters
) -> Conditions:
    """Draw the year's conditions. `suppliers` are columns by supplier, `departments` by pair."""
    cut, rng = parameters.section("assortment"), parameters.stream("conditions")
    n = network.pairs
    is_dc = np.arange(n) >= network.stores
    new = network.first_sale > cut["new_after_day"]
    ranged_from = np.where(new, np.maximum(network.first_sale - rng.integers(2, 12, n), 1), 0)
    dropped = network.last_sale < DAYS - cut["dropped_before_last_days"]
    ranged_to = np.where(dropped, network.last_sale + cut["dropped_grace_days"], DAYS)

    mean = suppliers["lead_time_mean_days"]
    sd, slack = suppliers["lead_time_sd_days"], parameters.section("suppliers")["promise_slack_sd"]
    locations = int(network.location.max()) + 1
    lead_times, planted_anomalies = _lead_times(parameters, mean, sd, locations)
    transfer_days = parameters.stream("transfers").integers(
        parameters.section("policy")["dc_transfer_days"][0],
        parameters.section("policy")["dc_transfer_days"][1] + 1, locations,
    )  # fmt: skip
    from_dc = network.source >= 0
    review = np.where(from_dc, 1, suppliers["review_period_days"][network.supplier])
    lead = np.where(from_dc, 1 + transfer_days[network.location], mean[network.supplier])
    head_start = np.ceil(lead + review).astype(int) + np.where(is_dc, 7, 0)
    shrink, returned, planted = _losses(network, departments, parameters)
    return Conditions(
        ranged_from=ranged_from, ranged_to=ranged_to,
        order_from=np.maximum(ranged_from - head_start, 0), order_until=ranged_to - 14 * dropped,
        review_days=review, exposure_days=lead + review,
        transfer_days=transfer_days,
        promised_days=np.maximum(1, np.round(mean + slack * sd)).astype(np.int32),
        lead_times=lead_times, miss_rate=suppliers["line_miss_rate"], returned=returned,
        shrink_anomaly=shrink, misses=parameters.stream("misses"),
        planted_anomalies={**planted_anomalies, **planted},
    )  # fmt: skip


def _lead_times(
    parameters: Parameters, mean: np.ndarray, sd: np.ndarray, locations: int
) -> tuple[np.ndarray, dict[str, object]]:
    """Gamma lead times in whole days, at least one; drifts, disruptions and one late supplier are planted."""
    section, rng = parameters.section("suppliers"), parameters.stream("lead times")
    suppliers = len(mean)
    factor = np.ones((DAYS, suppliers))
    drifting = rng.choice(suppliers, section["drifting"], replace=False)
    half = DAYS // 2
    factor[half:, drifting] *= np.linspace(1, section["drift_factor"], DAYS - half)[:, None]
    disruptions = []
    for supplier in rng.choice(suppliers, section["disruptions"], replace=False):
        length = int(rng.integers(*section["disruption_days"]))
        start = int(rng.integers(20, DAYS - 40))
        factor[start : start + length, supplier] *= section["disruption_factor"]
        disruptions.append({"supplier_index": int(supplier), "from_day": start, "to_day": start + length})
    late = parameters.section("anomalies")["late_supplier"]
    supplier, start = int(rng.integers(suppliers)), int(rng.integers(150, 280))
    factor[start : start + late["days"], supplier] *= late["factor"]
    shape = (mean / sd) ** 2
    draws = rng.gamma(shape[None, :, None], (sd**2 / mean)[None, :, None], (DAYS, suppliers, locations))
    days = np.clip(np.round(draws * factor[:, :, None]), 1, 60).astype(np.int16)
    return days, {
        "drifting_suppliers": [int(s) for s in drifting],
        "disruptions": disruptions,
        "late_supplier": {"supplier_index": supplier, "from_day": start, "to_day": start + late["days"]},
    }


def _losses(
    network: Network, departments: np.ndarray, parameters: Parameters
) -> tuple[tuple[np.ndarray, int, int, float], np.ndarray, dict[str, object]]:
    """Customer returns by day and pair, and the places in which shrink and returns are planted."""
    section, anomalies = parameters.section("losses"), parameters.section("anomalies")
    rng = parameters.stream("losses")
    stores = np.unique(network.location[: network.stores])
    units = network.sales[:DAYS].sum(axis=0)
    busiest = stores[np.argsort(-np.bincount(network.location, weights=units)[stores], kind="stable")][:20]
    shrink_store, return_store = rng.choice(busiest, 2, replace=False)
    shrink_start, return_start = int(rng.integers(90, 270)), int(rng.integers(90, 300))
    largest = np.unique(departments[network.location == shrink_store], return_counts=True)
    department = str(largest[0][np.argmax(largest[1])])
    shrink_pairs = (network.location == shrink_store) & (departments == department)

    day, pair = np.nonzero(network.sales[:DAYS])
    share = np.full(len(day), section["return_share"])
    window = (day >= return_start) & (day < return_start + anomalies["returns"]["days"])
    share[window & (network.location[pair] == return_store)] *= anomalies["returns"]["factor"]
    hit = np.flatnonzero(rng.random(len(day)) < share)
    low, high = section["return_delay_days"]
    back = day[hit] + rng.integers(low, high + 1, len(hit))
    hit, back = hit[back < DAYS], back[back < DAYS]
    returned = np.zeros((DAYS, network.pairs), np.int32)
    np.add.at(returned, (back, pair[hit]), 1)
    shrink = anomalies["shrink"]
    planted_anomalies: dict[str, object] = {
        "shrink": {"location_index": int(shrink_store), "department": department,
                   "from_day": shrink_start, "to_day": shrink_start + shrink["days"]},
        "returns": {"location_index": int(return_store), "from_day": return_start,
                    "to_day": return_start + anomalies["returns"]["days"]},
    }  # fmt: skip
    anomaly = (
        np.asarray(shrink_pairs),
        shrink_start,
        shrink_start + int(shrink["days"]),
        float(shrink["factor"]),
    )
    return anomaly, returned, planted_anomalies
