"""The pages are true: nothing that a user meets is undocumented, and nothing that a page names is missing."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")])
PACKAGES = ("semantic", "governance", "models_ml", "integrations", "api", "dashboards")
TOP = (*PACKAGES, "dbt_project", "tests", "docs", "requirements", ".ci", "changelog.d")


def script(name: str):
    """A module of `.ci`, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = script("reference")


@pytest.mark.parametrize("page", reference.PAGES)
def test_what_is_written_from_the_code_is_as_the_code_says(page):
    assert (ROOT / page).read_text(encoding="utf-8") == reference.PAGES[page](), "run: make docs"


def test_every_environment_variable_is_on_the_page_of_settings():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    files = [
        *_code(PACKAGES),
        *(ROOT / "tests").rglob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "Makefile",
    ]
    files += [p for p in (ROOT / "dbt_project").rglob("*.y*ml") if "target" not in p.parts]
    used = {name for file in files for name in re.findall(r"\bSTEELYARD_[A-Z_]*[A-Z]\b", _text(file))}
    used |= set(
        re.findall(r"environ\S*\"(SUPERSET_[A-Z_]+)", _text(ROOT / "dashboards" / "superset_config.py"))
    )
    assert len(used) > 40
    assert {name for name in used if f"`{name}`" not in page} == set()


def test_every_error_code_has_a_meaning():
    """Of the classes, and of problem documents that no class is behind."""
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert len(reference.error_classes()) > 50
    for error in reference.error_classes():
        assert error.__doc__ and f"| `{error.code}` |" in page
    literal = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', _text(ROOT / "api" / "problems.py")))
    documented = {code for code in literal if f"`{code}`" in page}
    assert literal - documented <= {"content-type", "no-store", "same-origin"}  # of headers


def test_every_noun_of_the_command_line_is_described():
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    commands = dict(reference.commands())
    assert {"metric query", "model promote", "serve"} <= commands.keys()
    assert all(len(text) > 10 for text in commands.values())
    assert all(f"`steelyard {name}`" in page for name in commands)


def test_every_action_is_described():
    from governance.approvals.actions import ACTIONS

    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert {name for name in ACTIONS if f"| `{name}` |" not in page} == set()


def test_every_event_of_the_audit_log_is_described():
    """Names are literals, or begin with a noun: those are formed from decisions and states."""
    events, nouns = set(), set()
    for file in _code(("governance", "api", "integrations")):
        for call in ast.walk(ast.parse(_text(file))):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(("audit.record", "AuditEntry")):
                literal, begun = _event_of(call)
                events |= literal
                nouns |= begun
    assert len(events) >= 6
    assert events <= reference.EVENTS.keys()
    assert nouns == {"recommendation", "model"} <= {name.partition(".")[0] for name in reference.EVENTS}


def test_events_formed_from_states_are_described(var_dir):
    """Of the demo: what its audit log holds."""
    import sqlite3

    with sqlite3.connect(f"file:{var_dir / 'ops.db'}?mode=ro", uri=True) as store:
        names = {name for (name,) in store.execute("SELECT DISTINCT action FROM audit_log")}
    assert names and names <= reference.EVENTS.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(page):
    text = _text(page)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    missing = [link for link in links if link and not (page.parent / link).exists()]
    named = re.findall(rf"`((?:{'|'.join(map(re.escape, TOP))})/[\w./*-]*)`", text)
    tells_of_the_past = page.name == "CHANGELOG.md" or page.parent.name in ("changelog.d", "decisions")
    if not tells_of_the_past:
        missing += [path for path in named if not list(ROOT.glob(path.rstrip("/.")))]
    assert missing == []


def test_every_page_is_in_the_index():
    index = _text(ROOT / "docs" / "README.md")
    pages = {p.name for p in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"({name})" not in index} == set()


def test_contributing_begins_with_eight_commands_that_exist():
    block = _text(ROOT / "CONTRIBUTING.md").split("```sh\n")[1].split("```")[0].strip().splitlines()
    targets = set(re.findall(r"^([a-z-]+):", _text(ROOT / "Makefile"), flags=re.MULTILINE))
    assert len(block) == 8
    for line in block:
        command = line.partition("#")[0].split()
        assert command[0] == ".venv/bin/python" or (command[0] == "make" and command[1] in targets), line
    assert 'pytest -m "not demo"' in "\n".join(block)


def test_make_targets_that_pages_name_exist():
    targets = set(re.findall(r"^([a-z-]+):", _text(ROOT / "Makefile"), flags=re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", _text(page))}
    assert {"run", "bench", "docs"} <= named <= targets


def test_every_fragment_has_a_kind_and_a_sentence():
    changelog = script("changelog")
    for path in changelog.fragments(ROOT / "changelog.d"):
        changelog.read_fragment(path)


def test_fragments_become_a_section_by_kind(tmp_path):
    import datetime as dt

    changelog = script("changelog")
    (tmp_path / "README.md").write_text("not one")
    (tmp_path / "b.md").write_text("fixed: B works.\n\nMore of it.\n")
    (tmp_path / "a.md").write_text("added: A is new.\n")
    new = changelog.section("0.2.0", dt.date(2026, 1, 2), tmp_path)
    assert new == "## 0.2.0 (2026-01-02)\n\nAdded:\n\n- A is new.\n\nFixed:\n\n- B works.\n"
    whole = changelog.with_section("# Changelog\n\n## 0.1.0 (2025-01-01)\n\nold\n", new)
    assert whole == f"# Changelog\n\n{new}\n## 0.1.0 (2025-01-01)\n\nold\n"
    (tmp_path / "c.md").write_text("improved: C\n")
    with pytest.raises(ValueError, match=r"c\.md"):
        changelog.section("0.2.0", dt.date(2026, 1, 2), tmp_path)


def test_glossary_is_in_order_and_says_each_term_once():
    terms = [
        line.split("|")[1].strip().strip("*").lower()
        for line in _text(ROOT / "GLOSSARY.md").splitlines()
        if line.startswith("| ") and not line.startswith("| Term")
    ]
    assert len(terms) > 40
    assert terms == sorted(set(terms))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _code(packages: tuple[str, ...]) -> list[Path]:
    return [path for package in packages for path in (ROOT / package).rglob("*.py")]


def _event_of(call: ast.Call) -> tuple[set[str], set[str]]:
    """The event that a call names whole, and the noun of one that it forms."""
    noun = r"(?:recommendation|model|service_key|dashboard)"
    arguments = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "action")]
    for argument in arguments:
        if isinstance(argument, ast.Constant) and re.fullmatch(rf"{noun}\.[a-z_]+", str(argument.value)):
            return {str(argument.value)}, set()
        if isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
            begun = str(argument.values[0].value)
            if re.fullmatch(rf"{noun}\.", begun):
                return set(), {begun[:-1]}
    return set(), set()
