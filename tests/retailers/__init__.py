"""The whole pipeline over retailers of other shapes than the demo."""
