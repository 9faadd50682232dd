"""Ask the public advisory database about every pin, and end with an error if that was not possible for all.

`pip-audit --strict` fails on a package that it skips; that it was asked about every pin, is counted here: an
answer about nothing is not a clean bill.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?==")


def pins(text: str) -> set[str]:
    """Names of pinned packages, as package indexes compare them."""
    names = (match.group(1) for line in text.splitlines() if (match := _PIN.match(line)))
    return {_normal(name) for name in names}


def problems(expected: set[str], output: str) -> list[str]:
    """What is wrong with an answer of pip-audit in JSON; nothing if every pin was audited and is sound."""
    try:
        answers = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return [f"nothing was audited: {len(expected)} packages were not looked up"]
    lines = [f"{one['name']} was skipped: {one['skip_reason']}" for one in answers if "skip_reason" in one]
    audited = {_normal(one["name"]) for one in answers if "skip_reason" not in one}
    if missing := sorted(expected - audited):
        lines.append(
            f"{len(missing)} of {len(expected)} packages were not audited: {', '.join(missing[:10])}"
        )
    for one in answers:
        lines += [f"{one['name']} {one['version']}: {known['id']}" for known in one.get("vulns", ())]
    return lines if expected else ["the file pins nothing"]


def audit(path: Path) -> list[str]:
    """What is wrong with the pins of a file."""
    command = [str(Path(sys.executable).with_name("pip-audit")), "--strict", "--no-deps", "--disable-pip"]
    command += ["--progress-spinner", "off", "--format", "json", "-r", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = problems(pins(path.read_text()), done.stdout)
    if done.returncode and not lines:
        lines = [f"pip-audit ended with {done.returncode}"]
    return lines + done.stderr.strip().splitlines()[-3:] if lines else []


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Exit status 1 unless every pin was audited and none has a known vulnerability."""
    status = 0
    for name in sys.argv[1:]:
        lines = audit(Path(name))
        status = 1 if lines else status
        print(f"{name}: {'not audited, or vulnerable' if lines else 'every pin audited, none vulnerable'}")
        for line in lines:
            print(f"  {line}")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
