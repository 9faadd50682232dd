"""The API against its own OpenAPI: for every role, nothing breaks and nothing is undocumented.

A longer run: `STEELYARD_FUZZ_EXAMPLES=200 pytest tests/api/routes/test_contract.py`.
"""

import contextlib
import os

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.seeds import SEED, sample

EXAMPLES = int(os.environ.get("STEELYARD_FUZZ_EXAMPLES") or sample(4, full=40))
ROLES = (
    *("executive", "planner_east", "category_manager", "store_manager", "finance_controller"),
    *("analytics_engineer", "ml_reviewer", "data_steward", "auditor", "integrator", "nobody"),
)
CHECKED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
PATIENT = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=False,
    suppress_health_check=list(HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)


@pytest.fixture(scope="module")
def described(client):
    print(f"seed {SEED}")
    return schemathesis.openapi.from_asgi("/openapi.json", client.app, config=SchemathesisConfig(seed=SEED))


@pytest.fixture(scope="module")
def as_role(sign_in):
    """Headers of a role; `nobody` sends no credential."""
    headers_by_role = {role: {} if role == "nobody" else sign_in(role) for role in ROLES}
    return headers_by_role.__getitem__


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda m: m.value)
@pytest.mark.parametrize("role", ROLES)
def test_nothing_breaks_and_nothing_is_undocumented(described, as_role, role, mode):
    """Every operation, with data that fits the schema and with data that does not."""
    called = 0
    for result in described.get_all_operations():
        operation = result.ok()
        strategy = operation.as_strategy(generation_mode=mode)

        @hypothesis.seed(SEED)
        @PATIENT
        @hypothesis.given(case=strategy)
        def call(case):
            nonlocal called
            called += 1
            case.call_and_validate(headers=as_role(role), checks=CHECKED, timeout=60)

        with contextlib.suppress(Unsatisfiable):  # an operation that nothing can be wrong about
            call()
    assert called > 20


def test_one_call_leads_to_another(described, as_role):
    """Stateful: what one call answers is fed to the next, along the links of the schema."""
    machine = described.as_state_machine()

    class Walk(machine):
        def get_call_kwargs(self, case):
            return {"headers": as_role("planner_east"), "timeout": 60}

        def validate_response(self, response, case, **kwargs):
            case.validate_response(response, checks=CHECKED)

    steps = hypothesis.settings(PATIENT, max_examples=EXAMPLES, stateful_step_count=5)
    Walk.run(settings=steps)
