"""The environment, typed and read once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import InvalidInput


class Settings(BaseSettings):
    """What operators set, in the environment or in `.env` (names in docs/settings.md)."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    homeroom_home: Path = Path("~/.homeroom")
    database_url: str | None = None
    database_direct_url: str | None = None
    prepared_statements: bool = True
    storage_url: str | None = None
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    chat_model: str = "gpt-4.1-mini"
    embedding_model: str = "lexical-v1"
    embedding_dimension: int = Field(default=1536, ge=8, le=4000)
    secret_key: SecretStr | None = None
    public_url: str | None = None
    port: int = Field(default=8080, ge=0, le=65535)
    command_prefix: str = Field(default="", pattern=r"^[a-z0-9_-]{0,12}$")
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    slack_config_token: SecretStr | None = None
    slack_api_url: str = "https://slack.com/api/"
    slack_mode: Literal["socket", "http"] = "socket"
    discord_bot_token: SecretStr | None = None
    discord_api_url: str = "https://discord.com/api/v10"
    discord_gateway_url: str | None = None
    supabase_url: str | None = None
    supabase_service_role_key: SecretStr | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    log_format: Literal["text", "json"] = "text"

    @property
    def home(self) -> Path:
        """The folder for everything embedded: the database, files, the log."""
        return self.homeroom_home.expanduser().absolute()

    @property
    def storage(self) -> str:
        """Where files are kept."""
        return self.storage_url or (self.home / "files").as_uri()

    @property
    def has_slack(self) -> bool:
        """Whether a Slack app is configured: a bot's token, or what it takes to install the app."""
        return self.slack_bot_token is not None or self.slack_client_id is not None

    @property
    def has_openai(self) -> bool:
        """Whether an OpenAI-compatible server is configured."""
        return self.openai_api_key is not None or self.openai_base_url is not None


def read_settings() -> Settings:
    """Read the environment. Raises `InvalidInput` naming the first setting that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"])).upper()
        raise InvalidInput(f"The setting {name} is wrong: {first['msg']}.") from error
