"""SQL over the marts for a question, written without the compiler: one query a metric, joined on the groups.

It knows facts with their dimensions joined, and five ways in which a metric may go with time. Slow and plain:
no rollup, no shared scan, no rewrite. Nothing of the product is imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .questions import Key, Question


@dataclass(frozen=True)
class Fact:
    """`source` is a FROM clause, `time` the metric time in it, `dimensions` SQL by the name in queries."""

    source: str
    time: str
    dimensions: dict[str, str]


@dataclass(frozen=True)
class Metric:
    """`value` aggregates rows of the fact. At most one of the rest says how it goes with time.

    holding: a balance, of the last day of each period for each combination of these; days_back and
    months_back: the value of so long before; window: running over so many days, 0 for all before. `fill`
    replaces NULL.
    """

    fact: Fact
    value: str
    holding: tuple[str, ...] = ()
    days_back: int = 0
    months_back: int = 0
    window: int | None = None
    fill: int | None = None


@dataclass(frozen=True)
class Combined:
    """A metric computed from others: `{0}`, `{1}` in the expression."""

    inputs: tuple[Metric, ...]
    expression: str


@dataclass(frozen=True)
class Mart:
    """Metrics by name, the first and last day of the time spine, and conditions on every fact by role."""

    metrics: dict[str, Metric | Combined]
    first_day: str
    last_day: str
    as_of: str
    days: str
    """A FROM clause with a column `day`."""
    seen: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """By reader: dimensions and conditions on them, `{}` for the dimension."""

    def sql(self, question: Question, reader: str = "") -> str:
        """The rows of a question for a reader, in no order."""
        inputs: list[Metric] = []
        columns = []
        for name in question.metrics:
            metric = self.metrics[name]
            parts = metric.inputs if isinstance(metric, Combined) else (metric,)
            inputs += parts
            terms = [self._filled(f"m{len(inputs) - len(parts) + n}", part) for n, part in enumerate(parts)]
            columns.append(metric.expression.format(*terms) if isinstance(metric, Combined) else terms[0])
        keys = [f"k{n}" for n in range(len(question.keys))]
        ctes = [f"m{n} AS ({self._one(metric, question, reader)})" for n, metric in enumerate(inputs)]
        source = "m0"
        for n in range(1, len(inputs)):
            source += f" FULL JOIN m{n} ON " + (
                " AND ".join(
                    f"COALESCE({', '.join(f'm{i}.{k}' for i in range(n))}) IS NOT DISTINCT FROM m{n}.{k}"
                    if n > 1
                    else f"m0.{k} IS NOT DISTINCT FROM m1.{k}"
                    for k in keys
                )
                or "TRUE"
            )
        keys = [
            f"COALESCE({', '.join(f'm{n}.{k}' for n in range(len(inputs)))}) AS {k}" if len(inputs) > 1 else k
            for k in keys
        ]
        return f"WITH {', '.join(ctes)} SELECT {', '.join([*keys, *columns])} FROM {source}"

    def _filled(self, name: str, metric: Metric) -> str:
        return f"COALESCE({name}.v, {metric.fill})" if metric.fill is not None else f"{name}.v"

    def _one(self, metric: Metric, question: Question, reader: str) -> str:
        """The groups of one metric and its value in each, as columns k0, k1 … and v."""
        fact, time = metric.fact, metric.fact.time
        source = fact.source
        conditions = [
            condition.format(fact.dimensions[name]) for name, condition in self.seen.get(reader, ())
        ]
        if metric.days_back:
            time = f"({time} + INTERVAL {metric.days_back} DAY)"
            week = any(key.name == "metric_time__week" for key in question.keys)  # shifted as a whole
            day = f"DATE_TRUNC('week', {time})" if week else time
            conditions.append(f"CAST({day} AS DATE) <= DATE '{self.last_day}'")
        if metric.months_back:
            time = f"(DATE_TRUNC('month', {time}) + INTERVAL {metric.months_back} MONTH)"
            conditions.append(f"{time} BETWEEN DATE '{self.first_day}' AND DATE '{self.last_day}'")
        if metric.window is not None:
            source = f"{source} JOIN {self.days} ON CAST({time} AS DATE) <= days.day"
            if metric.window:
                source += f" AND CAST({time} AS DATE) > days.day - {metric.window}"
            time = "days.day"
        for condition in question.conditions:
            name = condition.dimension
            conditions.append(condition.by_hand.format(time if name is None else fact.dimensions[name]))
        keys = [_key(key, fact, time, self.as_of) for key in question.keys]
        tests = " AND ".join("(" + c.replace("{today}", self.as_of) + ")" for c in conditions)
        where = f" WHERE {tests}" if tests else ""
        if metric.holding:
            periods = [k for k, key in zip(keys, question.keys, strict=True) if key.is_time]
            partition = ", ".join([*metric.holding, *periods])
            last = f"CAST({time} AS DATE) = MAX(CAST({time} AS DATE)) OVER (PARTITION BY {partition})"
            where = f"{where} QUALIFY {last}"
            items = ", ".join([*(f"{k} AS k{n}" for n, k in enumerate(keys)), f"{metric.value} AS raw"])
            grouped = "".join(f"k{n}, " for n in range(len(keys)))
            by = f" GROUP BY {grouped.rstrip(', ')}" if keys else ""
            return f"SELECT {grouped}SUM(raw) AS v FROM (SELECT {items} FROM {source}{where}){by}"
        items = ", ".join([*(f"{k} AS k{n}" for n, k in enumerate(keys)), f"{metric.value} AS v"])
        by = f" GROUP BY {', '.join(str(n + 1) for n in range(len(keys)))}" if keys else ""
        return f"SELECT {items} FROM {source}{where}{by}"


def _key(key: Key, fact: Fact, time: str, as_of: str) -> str:
    return key.by_hand.format(time if key.is_time else fact.dimensions[key.dimension])
