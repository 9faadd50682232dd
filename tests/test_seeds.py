"""Random choices come from one place, so that one variable repeats a run."""

from __future__ import annotations

import re

import pytest

from tests import seeds
from tests.conftest import ROOT

OWN = re.compile(
    r"(?<![\w.])random\.(?:Random|SystemRandom|seed|random|randrange|randint|choices?|sample|shuffle|uniform)\("
    r"|from random import|default_rng\(|RandomState\(|np\.random\.seed\(|random_state=\d"
    r"|hypothesis\.seed\((?!SEED\))|derandomize=True|environ\S*STEELYARD_TEST_SEED"
)


def test_no_test_has_a_seed_of_its_own():
    files = [
        path for path in (ROOT / "tests").rglob("*.py") if path.name not in ("seeds.py", "test_seeds.py")
    ]
    assert len(files) > 100
    own = {
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if OWN.search(line)
    }
    assert own == set(), "use tests.seeds: seeded, generator, fixed_random or fixed_generator"


@pytest.mark.parametrize(
    "line",
    [
        "rng = random.Random(7)",
        "np.random.default_rng(3)",
        "@hypothesis.seed(4)",
        "rows.sample(random_state=1)",
    ],
)
def test_the_check_sees_a_seed(line):
    assert OWN.search(line)


def test_a_seed_repeats_and_a_salt_changes_what_is_drawn():
    assert seeds.seeded("a").random() == seeds.seeded("a").random() != seeds.seeded("b").random()
    assert seeds.generator(1).random() == seeds.generator(1).random() != seeds.generator(2).random()


def test_the_seed_is_printed_with_each_generator(capsys):
    seeds.seeded()
    assert f"STEELYARD_TEST_SEED={seeds.SEED}" in capsys.readouterr().out


def test_hypothesis_draws_from_the_same_seed(pytestconfig):
    assert int(pytestconfig.getoption("hypothesis_seed")) == seeds.SEED
