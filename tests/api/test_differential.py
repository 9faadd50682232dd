"""The demo asked by its people, over `/v1/query`, `/v1/sql` and the command line, beside SQL by hand."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from api.cli import metric as commands
from api.cli import services as shared
from api.wiring import Services
from semantic.errors import SteelyardError
from tests.differential.demo import READERS, VALUES, mart
from tests.differential.drawing import draw
from tests.differential.rows import normalised
from tests.seeds import sample, seeded

COUNT = sample(90, full=1_500)
ON_THE_COMMAND_LINE = sample(50, full=400)


@pytest.fixture
def command_line(settings, monkeypatch):
    """The commands in this process, on the application's state."""
    services = Services.from_settings(settings)
    monkeypatch.setattr(commands, "services", lambda: services)
    monkeypatch.setattr(shared, "services", lambda: services)
    yield lambda *arguments: CliRunner().invoke(commands.app, arguments)
    services.close()


def test_every_way_in_has_the_rows_of_the_marts(client, sign_in, command_line, warehouse):
    rng, by_hand = seeded(), mart()
    tokens = {reader: sign_in(reader) for reader in READERS}
    answered = by_command = 0
    while answered < COUNT:
        question, reader = draw(rng, by_hand, VALUES), rng.choice(READERS)
        asked = f"{reader}: {question.semantic_sql()}\n{question.body()}"
        answers = {}
        sql = client.post("/v1/sql", json={"sql": question.semantic_sql()}, headers=tokens[reader])
        answers["sql"] = sql
        if question.has_query:
            answers["query"] = client.post("/v1/query", json=question.body(), headers=tokens[reader])
        statuses = {answer.status_code for answer in answers.values()}
        assert statuses <= {200} or statuses <= {403, 400}, (asked, [a.text[:300] for a in answers.values()])
        if statuses != {200}:
            continue
        answered += 1
        expected = normalised(warehouse.execute(by_hand.sql(question, reader)).fetchall())
        rows = {way: normalised(answer.json()["rows"]) for way, answer in answers.items()}
        if question.has_query and by_command < ON_THE_COMMAND_LINE:
            by_command += 1
            rows["command line"] = _commanded(command_line, question, reader)
        for way, given in rows.items():
            assert given == expected, f"{way}, {asked}\n-- by hand\n{by_hand.sql(question, reader)}"
    assert by_command == ON_THE_COMMAND_LINE


def _commanded(command_line, question, reader):
    done = command_line("query", "--as", reader, "--json", *question.arguments())
    assert not isinstance(done.exception, SteelyardError), done.exception
    assert done.exit_code == 0, (done.output, done.exception)
    return normalised(json.loads(done.stdout)["rows"])
