"""The templates, and responses made of them that load and run nothing."""

from __future__ import annotations

import base64
import hashlib

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined


def load_pages() -> Environment:
    """Return the templates; everything put into them is escaped. `policy` is the pages' Content-Security-Policy."""
    pages = Environment(
        loader=PackageLoader("bot.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = pages.get_template("style.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    pages.globals["policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return pages


def html(pages: Environment, template: str, *, status: int = 200, **values: object) -> web.Response:
    """Return a page."""
    return web.Response(
        text=pages.get_template(template).render(values),
        status=status,
        content_type="text/html",
        headers={"Content-Security-Policy": str(pages.globals["policy"])},
    )
