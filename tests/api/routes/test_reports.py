"""Monitoring over HTTP: what was found, and the report, for those who may see every region and department."""

import json

import pytest

RELEASE = "20170101T000000-0123abcd"
ALERT = {
    "model_name": "demand",
    "kind": "price_shift", "feature": "shelf_price", "segment_type": "region", "segment": "West",
    "score": 0.4, "threshold": 0.2, "finding": "shelf prices shifted in the West",
}  # fmt: skip
FOUND = {
    "release_id": RELEASE, "week": 40, "rows": 12, "drift_share": 0.1, "alerts": [ALERT],
    "retrain": {"is_recommended": False, "reasons": [], "sentence": "no retraining"},
    "model_version": "1", "path": f"var/forecasts/{RELEASE}/drift.parquet",
    "report": f"var/reports/{RELEASE}/drift_demand.html",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def monitored(settings):
    folder = settings.var_dir / "forecasts" / RELEASE
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "drift.json").write_text(json.dumps(FOUND))
    page = settings.reports / RELEASE / "drift_demand.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("<html>drift</html>")


def test_the_model_tells_its_alerts_and_where_the_report_lies(client, sign_in) -> None:
    answer = client.get("/v1/models/demand", headers=sign_in("ml_reviewer")).json()
    assert answer["versions"][0]["name"] == "demand"
    assert answer["monitoring"]["alerts"] == [ALERT]
    page = client.get(answer["monitoring"]["report"], headers=sign_in("ml_reviewer"))
    assert (page.status_code, page.text) == (200, "<html>drift</html>")
    assert page.headers["Content-Security-Policy"].startswith("sandbox allow-scripts")


@pytest.mark.parametrize("user", ["planner_east", "category_manager", "store_manager"])
def test_who_sees_a_part_gets_no_report_of_the_whole(client, sign_in, user) -> None:
    monitoring = client.get("/v1/models/demand", headers=sign_in(user)).json()["monitoring"]
    assert (monitoring["alerts"], monitoring["report"]) == ([], None)
    assert client.get(f"/v1/reports/{RELEASE}/drift_demand.html", headers=sign_in(user)).status_code == 403


def test_nobody_leaves_the_folder_or_comes_unsigned(client, sign_in) -> None:
    assert client.get(f"/v1/reports/{RELEASE}/drift_demand.html").status_code == 401
    headers = sign_in("ml_reviewer")
    assert client.get(f"/v1/reports/{RELEASE}/none.html", headers=headers).status_code == 404
    for path in ("..%2f..%2fops.db", "drift.json", f"{RELEASE}/..%2f..%2f..%2fops.db"):
        assert client.get(f"/v1/reports/{path}", headers=headers).status_code in (404, 422)
    assert client.get("/v1/models/none", headers=headers).status_code == 404
