"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """`WARNING`: it serves, but not everything or not for long. `FAILED`: do not serve like this."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One sentence on one subject, and the next step where there is one to take."""

    subject: str
    level: Level
    message: str
    hint: str = ""

    def as_dict(self) -> dict[str, str]:
        """JSON-ready form; the sentence is called `said` there."""
        return {"subject": self.subject, "level": self.level.value, "said": self.message, "hint": self.hint}
