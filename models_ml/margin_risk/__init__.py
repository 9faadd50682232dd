"""Margin risk: how likely, and by how much, a store × category misses its margin target in four weeks."""
