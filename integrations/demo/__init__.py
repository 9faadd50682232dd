"""The demo retailer: The Complete Journey, recorded sales of a household panel, with a derived ledger."""

from __future__ import annotations

from integrations.demo.source import CompleteJourney

__all__ = ["CompleteJourney"]
