"""The retailer in one file: `retailer.yaml`, read once and handed on as typed values and as dbt's variables.

`retailer_of(path, source)` gives the settings; `dbt_variables(retailer)` what the dbt project gets of them.
"""

from __future__ import annotations

from integrations.retailer.model import Costs, Demand, Retailer, Stock
from integrations.retailer.read import NEUTRAL, read_retailer, retailer_of
from integrations.retailer.variables import dbt_variables

__all__ = ["NEUTRAL", "Costs", "Demand", "Retailer", "Stock", "dbt_variables", "read_retailer", "retailer_of"]
