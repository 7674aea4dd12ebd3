"""The page for people at `/`: self-contained HTML of the last published view, everything from outside escaped."""

from monitor.adapters.page.pages import Pages, asked_of
from monitor.adapters.page.render import CONFIG, Asked, Found, render_page
from monitor.adapters.page.style import content_security_policy

__all__ = ["CONFIG", "Asked", "Found", "Pages", "asked_of", "content_security_policy", "render_page"]
