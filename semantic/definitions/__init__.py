"""What exists: the manifest's records, rollups, and what a reader may not see."""
