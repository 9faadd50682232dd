"""Read `retailer.yaml`: the one place that does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from integrations.errors import RetailerInvalidError
from integrations.retailer.model import Retailer
from integrations.sources.named import DEMO
from semantic.suggest import near

FILE = "retailer.yaml"
NEUTRAL = Retailer()
_DEMO_FILE = Path(__file__).parents[1] / "demo" / FILE


def retailer_of(path: Path | None, source: str) -> Retailer:
    """The settings at `path`; else those that the demo or the source's folder brings; else the neutral ones.

    Raises RetailerInvalidError.
    """
    if path is not None:
        return read_retailer(path)
    if source == DEMO:
        return read_retailer(_DEMO_FILE)
    beside = Path(source) / FILE
    return read_retailer(beside) if "://" not in source and beside.is_file() else NEUTRAL


def read_retailer(path: Path) -> Retailer:
    """Raises RetailerInvalidError naming the file and the setting, with the near miss of an unknown one."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if not isinstance(content, dict):
            raise RetailerInvalidError(f"{path} is not a list of settings.", hint="write `name: value` lines")
        return Retailer.model_validate({**content, "source": path.name})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RetailerInvalidError(f"{path} cannot be read: {error}.") from error
    except ValidationError as error:
        raise _explained(path, error) from None


def _explained(path: Path, error: ValidationError) -> RetailerInvalidError:
    first = error.errors()[0]
    setting = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        message = first["msg"].removeprefix("Value error, ")
        return RetailerInvalidError(f"{path}: {setting}: {message}.")
    names = _names(Retailer, first["loc"][:-1])
    hint = near(str(first["loc"][-1]), names, 1) or f"settings: {', '.join(names)}"
    return RetailerInvalidError(f"{path}: there is no setting {setting!r}.", hint=hint)


def _names(model: type[BaseModel], inside: Iterable[int | str]) -> list[str]:
    for part in inside:
        kind = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            model = kind
    return [name for name in model.model_fields if name != "source"]
