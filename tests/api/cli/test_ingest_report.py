"""`steelyard ingest report`: counts that add up, and every bad row by file, line, column and rule."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEADER = (
    "supplier_id,supplier_name,payment_terms_days,lead_time_mean_days,lead_time_sd_days,"
    "minimum_order_units,review_period_days"
)
GOOD = [f"S{i},Supplier {i},30,{i}.5,0.5,,2" for i in range(200)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The command line over a folder whose third supplier has impossible payment terms."""
    root = tmp_path_factory.mktemp("shop")
    (root / "in" / "suppliers").mkdir(parents=True)
    lines = [HEADER, *GOOD[:2], "S900,Bad terms,soon,4,1,,2", *GOOD[2:]]
    (root / "in" / "suppliers" / "2026-01.csv").write_text("\n".join(lines) + "\n")

    def run(*arguments):
        return subprocess.run(
            [str(Path(sys.executable).parent / "steelyard"), "ingest", *arguments],
            capture_output=True, text=True, check=False,
            env=os.environ | {"STEELYARD_VAR_DIR": str(root / "var"), "COLUMNS": "220"},
        )  # fmt: skip

    done = run("run", "--source", str(root / "in"), "--json")
    assert done.returncode == 0, done.stderr
    return run


def test_counts_add_up_and_the_bad_row_is_named(run):
    report = json.loads(run("report", "--json").stdout)
    assert report["totals"] == {"rows_in": 201, "rows_loaded": 200, "rows_quarantined": 1}
    assert report["is_complete"] is True
    (batch,) = report["batches"]
    assert (batch["table"], batch["label"]) == ("suppliers", "suppliers/2026-01.csv")
    (reject,) = report["rejects"]
    assert (reject["file"], reject["line"], reject["column"]) == (
        "suppliers/2026-01.csv", 4, "payment_terms_days",
    )  # fmt: skip
    assert reject["rule"] and "S900" in reject["raw_row"] and reject["batch_landed"] is True


def test_as_a_table(run):
    out = run("report").stdout
    for word in ("suppliers/2026-01.csv", "201", "200", "payment_terms_days", "S900"):
        assert word in out


def test_one_table_only_and_the_near_miss(run):
    assert json.loads(run("report", "--table", "products", "--json").stdout)["batches"] == []
    wrong = run("report", "--table", "supplier")
    assert wrong.returncode == 1
    assert "Did you mean suppliers" in wrong.stderr
