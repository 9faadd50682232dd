"""Decide on the most valuable recommendation that waits: look, see where it comes from, approve it once.

Needs STEELYARD_URL (http://127.0.0.1:8000) and STEELYARD_TOKEN (.venv/bin/steelyard auth token planner_east).
"""

import os
import uuid

import httpx

client = httpx.Client(
    base_url=os.environ["STEELYARD_URL"],
    headers={"Authorization": f"Bearer {os.environ['STEELYARD_TOKEN']}"},
    timeout=60,
)

waiting = client.get("/v1/recommendations", params={"state": "in_review", "action": "reorder", "limit": 1})
waiting.raise_for_status()
proposal = waiting.json()["items"][0]
what, where = f"{proposal['action']} of {proposal['quantity_units']:g}", proposal["location_id"]
print(f"{what} at {where}: {proposal['reason']}")

lineage = client.get(
    f"/v1/lineage/recommendation.{proposal['recommendation_id']}", params={"direction": "upstream"}
)
lineage.raise_for_status()
print(f"It rests on {len(lineage.json()['nodes'])} things, from source files to the model's version.")

key = str(uuid.uuid4())  # keep it until you have the answer: asked again with it, nothing is decided twice
for _ in range(2):
    decided = client.post(
        f"/v1/recommendations/{proposal['recommendation_id']}/decisions",
        json={"decision": "approve", "note": "approved by docs/examples/api/decide.py"},
        headers={"Idempotency-Key": key},
    )
    print(decided.status_code, decided.json().get("state") or decided.json()["detail"])
