"""Every KPI once more, by hand: plain SQL and pandas on the landed files, without a word of dbt or its YAML.

`landed` prepares the recorded rows; each of the other modules writes the formulas of one subject; `ORACLES`
holds all.
"""

from tests.dbt_project.oracles import decisions, models, money, sales, stock
from tests.dbt_project.oracles.numbers import Oracle

SUBJECTS: dict[str, dict[str, Oracle]] = {
    module.__name__.rpartition(".")[2]: module.ORACLES for module in (sales, stock, money, models, decisions)
}
ORACLES: dict[str, Oracle] = {
    name: oracle for oracles in SUBJECTS.values() for name, oracle in oracles.items()
}

__all__ = ["ORACLES", "SUBJECTS", "Oracle"]
