"""The mock cluster of a test module, and sources over its topics; a module may have another cluster."""

from collections.abc import Iterator

import pytest

from tests.kafka_mock import MockCluster, mock_cluster
from tests.kafka_reading import Start, starting


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with mock_cluster() as running:
        yield running


@pytest.fixture
def started(cluster: MockCluster) -> Iterator[Start]:
    with starting(cluster) as start:
        yield start
