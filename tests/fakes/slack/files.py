"""Files: what Slack keeps of one, and who may fetch it.

https://docs.slack.dev/reference/objects/file-object and https://docs.slack.dev/messaging/working-with-files.
"""

from __future__ import annotations

import mimetypes
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]
# What Slack sends whoever fetches a file without a token for it: a page, with status 200.
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to School</body></html>"


@dataclass(slots=True)
class File:
    """One file; `shares` holds the channel and the ts of every message it is in, `given` is set when a form took it."""

    id: str
    team_id: str
    name: str
    user: str
    origin: str
    content: bytes = b""
    title: str = ""
    given: bool = False
    deleted: bool = False
    shares: list[tuple[str, str]] = field(default_factory=list)
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def mimetype(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def extension(self) -> str:
        return self.name.rpartition(".")[2].lower() if "." in self.name else ""

    def as_file(self) -> Json:
        private = f"{self.origin}files-pri/{self.team_id}-{self.id}/"
        name = quote(self.name)
        return {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype,
            "filetype": self.extension or "binary",
            "pretty_type": self.extension.upper() or "Binary",
            "user": self.user,
            "user_team": self.team_id,
            "editable": False,
            "size": len(self.content),
            "mode": "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": False,
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "url_private": f"{private}{name}",
            "url_private_download": f"{private}download/{name}",
            "permalink": f"https://school.slack.com/files/{self.user}/{self.id}/{name}",
            "file_access": "visible",
        }
