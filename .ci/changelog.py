"""Collects the fragments of `changelog.d/` into `CHANGELOG.md`, under a version and today's date.

`changelog.py VERSION` writes and removes the fragments; `changelog.py` alone prints what it would write.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("added", "changed", "deprecated", "removed", "fixed", "security")


def fragments(folder: Path) -> list[Path]:
    """Every fragment, by name."""
    return sorted(path for path in folder.glob("*.md") if path.name != "README.md")


def read_fragment(path: Path) -> tuple[str, str]:
    """Kind and first paragraph of a fragment. Raises ValueError unless it begins `kind: sentence.`"""
    paragraph = path.read_text(encoding="utf-8").partition("\n\n")[0]
    kind, colon, sentence = " ".join(paragraph.split()).partition(": ")
    if kind not in KINDS or not colon or not sentence.rstrip().endswith("."):
        raise ValueError(f"{path.name} begins `kind: sentence.`, with a kind of {', '.join(KINDS)}.")
    return kind, sentence.strip()


def section(version: str, day: dt.date, folder: Path) -> str:
    """The section of a version: sentences by kind, in the order of `KINDS`."""
    sentences: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for path in fragments(folder):
        kind, sentence = read_fragment(path)
        sentences[kind].append(f"- {sentence}")
    parts = [f"## {version} ({day:%Y-%m-%d})"]
    parts += [f"{kind.capitalize()}:\n\n" + "\n".join(lines) for kind, lines in sentences.items() if lines]
    return "\n\n".join(parts) + "\n"


def with_section(changelog: str, new: str) -> str:
    """The changelog with a section before the newest one."""
    head, heading, rest = changelog.partition("\n## ")
    return f"{head.rstrip()}\n\n{new}" + (f"{heading}{rest}" if heading else "")


def main(arguments: list[str]) -> int:
    folder, changelog = ROOT / "changelog.d", ROOT / "CHANGELOG.md"
    if not arguments:
        print(section("next", dt.datetime.now(dt.UTC).date(), folder))
        return 0
    new = section(arguments[0], dt.datetime.now(dt.UTC).date(), folder)
    changelog.write_text(with_section(changelog.read_text(encoding="utf-8"), new), encoding="utf-8")
    for path in fragments(folder):
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
