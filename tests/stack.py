"""The real servers of `live`, for tests: a missing one is a skip with its reason.

With CORPUS_DRIFT_NO_SKIPS=1 (continuous integration) it is a failure.
"""

import os
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

import pytest

from live.servers import CLUSTER_ID as CLUSTER_ID
from live.servers import KAFKA_READY_SECONDS as KAFKA_READY_SECONDS
from live.servers import PASSWORD as PASSWORD
from live.servers import STOP_SECONDS as STOP_SECONDS
from live.servers import USER as USER
from live.servers import KafkaBroker as KafkaBroker
from live.servers import Missing as Missing
from live.servers import NotReadyError as NotReadyError
from live.servers import alertmanager as alertmanager
from live.servers import answers as answers
from live.servers import free_ports as free_ports
from live.servers import kafka_broker as kafka_broker
from live.servers import kafka_jars as kafka_jars
from live.servers import kafka_properties as kafka_properties
from live.servers import program as program
from live.servers import prometheus as prometheus
from live.servers import running as running
from live.servers import wait_for as wait_for

Server = TypeVar("Server")


def need(server: AbstractContextManager[Server], stack: ExitStack) -> Server:
    """Enter a server; skip the test where it is missing, unless skips are forbidden."""
    try:
        return stack.enter_context(server)
    except Missing as missing:
        reason = f"{missing} is not on this machine"
        if os.environ.get("CORPUS_DRIFT_NO_SKIPS") == "1":
            pytest.fail(f"{reason}, and CORPUS_DRIFT_NO_SKIPS=1 forbids to skip")
        pytest.skip(reason)
