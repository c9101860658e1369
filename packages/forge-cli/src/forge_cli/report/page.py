"""A report as one HTML file that asks nothing of any server.

Everything is inside: style, script, texts. The policy in its head allows exactly this style and
this script, by their digests, and no request at all, so that whatever a text may be, nothing in it
is executed or loaded.
"""

import base64
import hashlib
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from forge_cli.report.content import Report

GENERATOR = "Forge"
"""What the head of every page names, by which a file is known to be a report."""


def render_page(report: Report) -> str:
    """Render a report as HTML."""
    style, script = _read("page.css"), _read("page.js")
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template("page.html")
        .render(
            report=report,
            generator=f"{GENERATOR} {version('forge-cli')}",
            policy=policy,
            style=style,
            script=script,
        )
    )


def is_report(head: bytes) -> bool:
    """Return whether a file that begins so is a report."""
    return f'<meta name="generator" content="{GENERATOR} '.encode() in head


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("forge_cli.report", "page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def _read(name: str) -> str:
    return (files("forge_cli.report") / "page" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
