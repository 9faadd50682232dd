"""`POST /v1/query` and `POST /v1/sql`: governed numbers as JSON or an Arrow stream."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Self

import pyarrow as pa
from fastapi import APIRouter, Body, Header, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.deps import Reader, ServicesDep
from api.problems import document
from api.services.csv_text import csv_chunks
from api.services.json_encoding import json_document
from governance.governed_query import GovernedAnswer, answer_page
from semantic import MetricQuery

router = APIRouter(prefix="/v1", tags=["query"])
JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
Accept = Annotated[str, Header(description=f"`{JSON}`, `{CSV}` or `{ARROW}`")]

MOST_CHARACTERS = 100_000
"""Of a statement, and of all filters of a query."""

Name = Annotated[str, Field(min_length=1, max_length=500)]
Text = Annotated[str, Field(min_length=1, max_length=10_000)]


class QueryBody(BaseModel):
    """One metric query; see `GET /v1/metrics` and `GET /v1/dimensions` for what can be asked."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "metrics": ["net_sales", "gross_margin_rate"],
                    "group_by": ["metric_time__month", "location__region"],
                    "where": ["{{ Dimension('product__department') }} = 'GROCERY'"],
                    "order_by": ["-net_sales"],
                    "limit": 10,
                    "time_constraint": ["2017-06-01", "2017-09-01"],
                }
            ]
        },
    )

    metrics: list[Name] = Field(default_factory=list, max_length=100)
    group_by: list[Name] = Field(default_factory=list, max_length=50)
    where: list[Text] = Field(default_factory=list, max_length=50)
    order_by: list[Name] = Field(default_factory=list, max_length=50)
    limit: int | None = Field(None, ge=0, le=1_000_000)
    offset: int = Field(0, ge=0, le=1_000_000_000, description="rows to leave out first")
    cursor: str | None = Field(
        None, max_length=2_000, description="`next_cursor` of the page before; wants a `limit`"
    )
    time_constraint: tuple[Name, Name] | None = Field(None, description="first and last day, both included")
    whole_periods: bool = Field(False, description="widen the time to whole periods of the grain asked for")
    min_max_only: bool = False
    release: Name | None = Field(None, description="an older release, for time travel")

    @model_validator(mode="after")
    def _as_long_as_sql(self) -> Self:
        """Filters are planned as a whole, so their length in all is bounded, as that of SQL is."""
        length = sum(map(len, self.where))
        if length > MOST_CHARACTERS:
            raise ValueError(f"filters have {length:,} characters; they may have {MOST_CHARACTERS:,} in all")
        return self

    def as_query(self) -> MetricQuery:
        return MetricQuery(**self.model_dump(exclude={"release", "cursor"}))


class SqlBody(BaseModel):
    """Semantic SQL over the table `metrics`."""

    model_config = ConfigDict(extra="forbid")

    sql: str = Field(
        min_length=1,
        max_length=MOST_CHARACTERS,
        examples=["SELECT product__department, MEASURE(net_sales) FROM metrics GROUP BY product__department"],
    )
    release: Name | None = None


class ColumnRow(BaseModel):
    name: str = Field(examples=["net_sales"])
    type: str = Field(examples=["number"])


class QueryAnswer(BaseModel):
    """Rows in the order of `columns`; NULL if nothing is known."""

    columns: list[ColumnRow]
    rows: list[list[Any]] = Field(examples=[[["GROCERY", 1234.5]]])
    release: str
    as_of: dt.date | None = Field(
        description="the newest day of the data, which CURRENT_DATE means in a query", examples=["2017-12-31"]
    )
    next_cursor: str | None = Field(
        None, description="of a query with a limit: pass as `cursor` for the rows that follow"
    )
    rollups: list[str] = Field(description="tables read in place of a fact, if that is exact", examples=[[]])


_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": QueryAnswer,
        "content": {ARROW: {}, CSV: {}},
        "description": "The rows, as JSON, as an Arrow stream or as CSV",
    },
    **document(400, 401, 403, 404, 413, 422, 504),
}


@router.post("/query", responses=_RESPONSES, response_class=JSONResponse)
def query(body: QueryBody, user: Reader, services: ServicesDep, accept: Accept = "*/*") -> Response:
    """Metrics by dimensions, under the caller's policy."""
    page = answer_page(
        services.metrics, body.as_query(), user, body.release, cursor=body.cursor, seal=services.store.cursors
    )
    return _respond(page.answer, accept, page.next_cursor)


@router.post("/sql", responses=_RESPONSES, response_class=JSONResponse)
def sql(
    body: Annotated[SqlBody, Body()], user: Reader, services: ServicesDep, accept: Accept = "*/*"
) -> Response:
    """Semantic SQL, as BI tools write it, onto the same governed query."""
    return _respond(services.metrics.answer(body.sql, user, body.release), accept)


def _respond(answer: GovernedAnswer, accept: str, next_cursor: str | None = None) -> Response:
    headers = {
        "X-Steelyard-Release": answer.release_id,
        "X-Steelyard-Rollups": ",".join(answer.compiled.rollups),
    }
    if answer.withheld:  # few households are behind some groups, or could be told from them
        headers["Steelyard-Groups-Withheld"] = "true"
    if next_cursor is not None:
        headers["Steelyard-Next-Cursor"] = next_cursor
    if answer.as_of is not None:
        headers["Steelyard-As-Of"] = answer.as_of.isoformat()
    media_type = _preferred(accept)
    if media_type == JSON:
        body = answer.as_dict() | {"next_cursor": next_cursor}
        return Response(json_document(body), media_type=JSON, headers=headers)
    if media_type == CSV:
        headers["Content-Disposition"] = 'attachment; filename="answer.csv"'
        return StreamingResponse(
            csv_chunks(answer.table), media_type=f"{CSV}; charset=utf-8; header=present", headers=headers
        )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, answer.table.schema) as writer:
        writer.write_table(answer.table)
    return Response(sink.getvalue().to_pybytes(), media_type=ARROW, headers=headers)


def _preferred(accept: str) -> str:
    """The media type that a caller likes best of those that there are; JSON if none is named."""
    best, most = JSON, 0.0
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
        try:
            liked = float(quality)
        except ValueError:
            continue
        if name in (JSON, CSV, ARROW) and liked > most:
            best, most = name, liked
    return best
