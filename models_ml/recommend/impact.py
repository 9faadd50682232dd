"""What a set of proposals would do to stock, payables, cash and working capital, week by week."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from governance.json_types import JsonDict, JsonObject

MONEY = ("inventory", "payables", "working_capital", "cash")


def weekly_impact(rows: Iterable[JsonObject]) -> JsonDict:
    """Sums over the proposals' own weeks, against doing nothing; each proposal in full.

    `weeks`: a row a week with the four sums, and `by_action` the working capital of each action.
    `one_off`: expected margin, units and cash outlay by action. Positive working capital is bound, negative
    released. A proposal without weeks (an investigation) counts in `one_off` only. Proposals made from
    different days' stock have different weeks; each is added where it falls.
    """
    weeks: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(MONEY, 0.0))
    by_action: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    one_off: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    counted: Counter[str] = Counter()
    simulated = False
    for row in rows:
        action, detail = str(row["action"]), row.get("details") or {}
        counted[action] += 1
        simulated = simulated or bool(row.get("is_simulated"))
        for name in ("expected_margin", "expected_cash", "expected_units"):
            one_off[action][name] += float(row.get(name) or 0.0)
        for week in detail.get("weekly") or ():
            for name in MONEY:
                weeks[week["week_ending"]][name] += week[name]
            by_action[week["week_ending"]][action] += week["working_capital"]
    return {
        "proposals": sum(counted.values()),
        "is_simulated": simulated,
        "weeks": [
            {
                "week_ending": week,
                **{name: round(value, 2) for name, value in weeks[week].items()},
                "working_capital_by_action": {
                    action: round(value, 2) for action, value in sorted(by_action[week].items())
                },
            }
            for week in sorted(weeks)
        ],
        "one_off": {
            action: {"proposals": counted[action]}
            | {name: round(value, 2) for name, value in sorted(one_off[action].items())}
            for action in sorted(counted)
        },
    }
