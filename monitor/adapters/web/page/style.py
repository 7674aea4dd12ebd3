"""The page's one stylesheet, and the policy that lets this very text in and nothing else."""

import base64
import hashlib
from importlib import resources

STYLE = resources.files("monitor.adapters.web.page").joinpath("templates", "page.css").read_text(encoding="utf-8")
"""Stands inside the page: nothing is loaded from elsewhere."""


def content_security_policy() -> str:
    """Nothing but this stylesheet, named by its hash: no script, no image, no frame, no other style; a form
    leads to this very page.
    """
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    nothing = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    return f"{nothing}; style-src 'sha256-{digest}'"
