"""A remote monitor, asked by its URL: neither configuration nor state is needed on this machine."""

from collections.abc import Mapping
from pathlib import Path

from monitor.adapters.monitor_client import MonitorClient, checked_url
from monitor.app.asking import Running
from monitor.app.configuration import Configuration
from monitor.app.environment import secret, secret_in
from monitor.errors import ConfigurationError


def remote_monitor(
    url: str,
    environment: Mapping[str, str],
    *,
    token_file: Path | None = None,
    ca_file: Path | None = None,
    configuration: Configuration | None = None,
) -> Running:
    """The monitor at a URL.

    Args:
        url: its base URL.
        environment: where its token stands, or a file that holds it is named.
        token_file: holds the token instead.
        ca_file: authorities to trust instead of the system's.
        configuration: what token and certificate come from where nothing else names them, None without one.

    Raises:
        ConfigurationError: the URL, the token or a file is none.
    """
    checked = checked_url(url)
    if token_file is not None:
        token = secret_in("--token-file", token_file)
    elif configuration is not None:
        token = configuration.http.token.get_secret_value()
    else:
        token = secret(("http", "token"), environment)
    pinned = "" if configuration is None else configuration.located_text(configuration.http.certificate_file)
    return Running(MonitorClient(checked, token, certificate_file=pinned, ca_file=_text(ca_file)))


def _text(ca_file: Path | None) -> str:
    if ca_file is None:
        return ""
    if not str(ca_file).strip() or ca_file.is_dir():
        message = f"--ca-file {str(ca_file)!r}: expected a file of PEM certificates"
        raise ConfigurationError(message)
    return str(ca_file)
