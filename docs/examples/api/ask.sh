#!/usr/bin/env bash
# Ask for metrics with curl. Needs STEELYARD_URL (http://127.0.0.1:8000) and STEELYARD_TOKEN
# (.venv/bin/steelyard auth token executive).
set -euo pipefail

ask() {
  curl --silent --show-error --fail-with-body "$STEELYARD_URL$1" \
    --header "Authorization: Bearer $STEELYARD_TOKEN" --header 'Content-Type: application/json' "${@:2}"
}

echo "What can be asked:"
ask /v1/metrics | python3 -c 'import json, sys; print(*[m["name"] for m in json.load(sys.stdin)["items"]][:5], sep=", ", end=" …\n")'

echo "Net sales and margin by region:"
ask /v1/query --data '{"metrics": ["net_sales", "gross_margin_rate"], "group_by": ["location__region"]}'
echo

echo "The same as SQL:"
ask /v1/sql --data '{"sql": "SELECT location__region, MEASURE(net_sales) FROM metrics GROUP BY 1 ORDER BY 2 DESC"}'
echo
