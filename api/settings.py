"""Everything that can be configured, read from the environment once: `STEELYARD_<NAME>`.

Only this module reads settings; every other part gets paths and values as arguments.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.errors import SettingsInvalidError

_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Defaults serve the demo on this machine; production overrides them in the environment."""

    model_config = SettingsConfigDict(env_prefix="STEELYARD_", extra="ignore")

    mode: Literal["demo", "production"] = Field("demo", description="production refuses the demo issuer")
    var_dir: Path = Field(Path("var"), description="where all state lives")
    project_dir: Path = Field(_ROOT / "dbt_project", description="the dbt project to build")
    source: str = Field(
        "complete-journey", description="complete-journey, or a retailer's folder or database URL"
    )
    retailer: Path | None = Field(
        None, description="the retailer's own settings; unset: retailer.yaml in the source's folder"
    )
    ops_url: str = Field("", description="SQLAlchemy URL of the ops store; empty: SQLite in var_dir")
    build_memory: str = Field("2200MB", description="memory dbt's DuckDB may use before it spills to disk")
    host: str = Field("127.0.0.1", description="address the servers bind to")
    api_port: int = Field(8000, description="port of the API")
    mlflow_port: int = Field(5000, description="port of the MLflow UI")
    superset_port: int = Field(8088, description="port of the dashboards")
    superset_venv: Path = Field(_ROOT / ".venv-superset", description="where Superset is installed")
    superset_url: str = Field("", description="where a browser finds it; empty: host and port")
    superset_embed_domains: str = Field(
        "", description="origins that may show dashboards inside their pages, by commas; empty: none"
    )
    superset_guest_secret: Path | None = Field(
        None, description="file of the key shared with Superset for that; unset: below var_dir"
    )
    superset_workers: int = Field(1, description="processes of Superset, each about 350 MB")
    directory: Path | None = Field(None, description="YAML of people and services; unset: the demo's")
    oidc_issuer: str = Field("", description="token issuer; empty: the demo's local issuer")
    oidc_audience: str = Field("steelyard", description="audience a token must name")
    oidc_client_id: str = Field("", description="the review page as the identity provider knows it")
    oidc_client_secret: str = Field("", description="its secret; empty for a public client (PKCE alone)")
    oidc_jwks_url: str = Field("", description="where the issuer publishes its keys")
    oidc_algorithm: Literal["RS256", "ES256", "EdDSA"] = Field(
        "RS256", description="the one that is accepted"
    )
    token_hours: float = Field(8.0, description="life of a token of the local issuer")
    audit_key: SecretStr = Field(
        SecretStr(""), description="secret that seals audit entries; several by blanks, the last one seals"
    )
    audit_key_file: Path | None = Field(
        None, description="file of such secrets, one a line, outside state and database; unset: below var_dir"
    )
    audit_anchor: Path | None = Field(
        None, description="file or folder where the audit's heads are anchored a second time"
    )
    largest_share: float = Field(
        0.85, gt=0, le=1, description="of a sum about households, that one of them may make; 1: any"
    )
    retention: str = Field(
        "",
        description="days that rows may name their customer: `sales_lines=1095, …`; empty: for ever",
    )
    erasures_file: Path | None = Field(
        None,
        description="file, outside the state folder, that also lists digests of erased customers",
    )
    openlineage_url: str = Field(
        "", description="OpenLineage endpoint for lineage events; empty: a file below var_dir"
    )
    openlineage_api_key: SecretStr = Field(SecretStr(""), description="bearer key of that endpoint")
    api_docs: bool | None = Field(
        None,
        description="whether /docs, /redoc and /openapi.json answer anybody; unset: in demo mode only",
    )
    log_format: Literal["text", "json"] = Field("text", description="json: one object a line")
    requests_per_minute: int = Field(1200, gt=0, description="of one person or service; more are refused")
    rate_limit_storage: str = Field("memory://", description="where requests are counted; redis:// for many")
    requests_at_once: int = Field(
        0, ge=0, description="of one person or service; further ones wait their turn; 0: one a core"
    )
    requests_waiting: int = Field(100, gt=0, description="of one person or service; more are refused")
    query_timeout_seconds: float = Field(30.0, description="a query is cancelled after this long")
    query_max_rows: int = Field(100_000, description="a larger result is refused")
    query_memory: str = Field("2GB", description="memory one query engine may use")

    @property
    def landing(self) -> Path:
        return self.var_dir / "landing"

    @property
    def quarantine(self) -> Path:
        return self.var_dir / "quarantine"

    @property
    def people(self) -> Path:
        return self.var_dir / "people"

    @property
    def superset_home(self) -> Path:
        return (self.var_dir / "superset").resolve()

    @property
    def ops_store_url(self) -> str:
        return self.ops_url or f"sqlite:///{(self.var_dir / 'ops.db').resolve()}"

    @property
    def mlflow_uri(self) -> str:
        return f"sqlite:///{(self.var_dir / 'mlflow' / 'mlflow.db').resolve()}"

    @property
    def reports(self) -> Path:
        return self.var_dir / "reports"

    @property
    def mlflow_artifacts(self) -> Path:
        return (self.var_dir / "mlflow" / "artifacts").resolve()


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once.

    Raises SettingsInvalidError with the variable's name, never its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"STEELYARD_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsInvalidError(
            "; ".join(wrong) + ".", hint="`api/settings.py` lists every setting."
        ) from None
