"""Where benchmarks read the demo and leave what they measured."""

from api.settings import settings

VAR = settings().var_dir.resolve()
WAREHOUSE = VAR / "current" / "warehouse.duckdb"
KEPT = VAR / "bench"
