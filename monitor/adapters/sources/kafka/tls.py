"""TLS towards Kafka: one context of the files in the settings, read once and refused before anything connects.

kafka-python would read them anew at every connection, tell what is wrong with them only in its log, and let OpenSSL
ask for the password of an encrypted key on the terminal.
"""

import ssl

from monitor.ports import ConfigurationError


def tls_context(ca_file: str, cert_file: str, key_file: str, key_password: str) -> ssl.SSLContext:
    """TLS 1.2 or later that verifies certificate and name of the broker, and shows ours where there is one.

    Args:
        ca_file: certificates of the authorities to believe; empty means the system's.
        cert_file: client certificate, empty for none.
        key_file: its key; empty means it stands in `cert_file`.
        key_password: secret; password of the key, empty for a plain one.

    Raises:
        ConfigurationError: a file that cannot be used, by the name of its setting.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        message = f"kafka.ca_file: {ca_file!r}: {_why(error)}; expected certificates (PEM)"
        raise ConfigurationError(message) from error
    if cert_file:
        try:
            context.load_cert_chain(cert_file, key_file or None, password=lambda: key_password)
        except (OSError, ssl.SSLError) as error:
            named = f"kafka.cert_file: {cert_file!r} with kafka.key_file {key_file!r}: {_why(error)}"
            wanted = "a certificate chain and its key (PEM), and kafka.key_password where the key is encrypted"
            message = f"{named}; expected {wanted}"
            raise ConfigurationError(message) from error
    return context


def _why(error: OSError) -> str:
    return error.strerror or str(error)
