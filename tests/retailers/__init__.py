"""Retailers of other shapes, through the whole pipeline."""

import pytest

pytest.register_assert_rewrite("tests.retailers.matrix")  # so that a failed check shows its values
