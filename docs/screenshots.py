"""Pictures of the page for this site: `python -m docs.screenshots` plays the demo, and Chromium looks at it."""

import tempfile
from pathlib import Path

from monitor.app.configuration import load
from monitor.app.running import run_to_end
from monitor.app.wiring import open_monitor, serving
from monitor.demo.preparing import prepare_demo
from tests.browser import Browser, Tab, chromium

FOLDER = Path(__file__).parent / "pictures"
WIDTH = 1280
HEIGHTS = {"page.png": 1475, "page-anchor.png": 1050}
"""Pixels of each picture from the top."""
MOST_SHAKEN = "document.querySelector('#anchor ~ details a[href*=\"anchor=\"]').href.split('#')[0]"
"""The address of the anchor that a deploy's card shows first, from the top of its page."""


def pictures(browser: Browser, url: str, deploy: str) -> dict[str, bytes]:
    """Every picture as a PNG: the page as it opens, and the most shaken anchor of a deploy, before and after.

    Args:
        browser: a running one.
        url: of the page.
        deploy: a judged deploy that moved lists.
    """

    def opened(address: str, name: str) -> Tab:
        return browser.open(address, width=WIDTH, height=HEIGHTS[name])

    anchor = browser.open(f"{url}/?deploy={deploy}", width=WIDTH).value(MOST_SHAKEN)
    asked = {"page.png": f"{url}/", "page-anchor.png": anchor}
    return {name: opened(address, name).screenshot() for name, address in asked.items()}


def main() -> None:
    """Write all of them; takes a minute or two."""
    with tempfile.TemporaryDirectory(prefix="corpus-drift-pictures-") as folder, chromium() as browser:
        configuration = load(prepare_demo(Path(folder), flooded="", lost="").configuration, {})
        with open_monitor(configuration) as monitor:
            run_to_end(monitor, until_end=True)
            with serving(configuration, monitor) as url:
                for name, picture in pictures(browser, url, monitor.ledger[-1].deploy_id).items():
                    (FOLDER / name).write_bytes(picture)


if __name__ == "__main__":
    main()
