"""Ask for metrics from Python: rows into pandas by Arrow, and a refusal that says what to do.

Needs STEELYARD_URL (http://127.0.0.1:8000) and STEELYARD_TOKEN (.venv/bin/steelyard auth token executive).
"""

import os

import httpx
import pyarrow as pa

client = httpx.Client(
    base_url=os.environ["STEELYARD_URL"],
    headers={"Authorization": f"Bearer {os.environ['STEELYARD_TOKEN']}"},
    timeout=60,
)

answer = client.post(
    "/v1/query",
    json={
        "metrics": ["net_sales", "inventory_turns"],
        "group_by": ["metric_time__month"],
        "order_by": ["metric_time__month"],
    },
    headers={"Accept": "application/vnd.apache.arrow.stream"},
)
answer.raise_for_status()
frame = pa.ipc.open_stream(answer.content).read_all().to_pandas()
print(f"From release {answer.headers['X-Steelyard-Release']}:")
print(frame.to_string(index=False))

refused = client.post("/v1/query", json={"metrics": ["net_sale"]})
problem = refused.json()
print(f"{refused.status_code} {problem['code']}: {problem['detail']} {problem['hint']}")
