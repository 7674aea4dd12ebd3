"""The one place that speaks to Ray: connecting, finding and making actors, calls with a deadline."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from monitor.adapters.shards.ray.host import ShardHost
from monitor.adapters.shards.ray.section import RaySection
from monitor.core.shards.messages import ShardAwayError
from monitor.ports import ConfigurationError, CorpusDriftError, UnreachableError

NAMESPACE = "corpus-drift"
_LOOPBACK = ("127.0.0.1", "localhost")
_QUIET: Mapping[str, str] = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
LOOPBACK_ONLY = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray replaces 127.0.0.1 by this machine's address and listens on all of them, unless this variable is 0."""
GONE = 5.0
"""Seconds to learn whether the coordinator that a shard served before is gone."""

Ref = Any
"""What Ray gives for an answer that is still to come."""


def ray() -> Any:
    """The package, loaded when it is needed: without its statistics of usage.

    Raises:
        ConfigurationError: it is not installed.
    """
    if find_spec("ray") is None:
        message = "shards.engine = 'ray' needs the package ray, expected: pip install 'corpus-drift[ray]'"
        raise ConfigurationError(message)
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import ray as package

    return package


class ActorAwayError(ShardAwayError):
    """The actor of a shard does not answer.

    Args:
        number: of the shard.
        shards: how many there are.
        why: in one line.
    """

    def __init__(self, number: int, shards: int, why: str) -> None:
        super().__init__(f"shard {number} of {shards}: away ({why}); expected it back")
        self.number, self.why = number, why


class LeasedHost(ShardHost):
    """A `ShardHost` that serves one coordinator until that one is gone."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._lease: Ref = None

    def hired(self, lease: Sequence[Ref], place: bytes, shards: int) -> bytes:
        """As `greet`, by a coordinator: whoever owns the lease, an object that lives as long as its process.

        Raises:
            ConfigurationError: the coordinator that is served is alive.
        """
        if self._lease is not None and self._lease != lease[0] and self._served():
            message = f"{self}: serves another run, which is alive; expected one coordinator of these shards"
            raise ConfigurationError(message)
        self._lease = lease[0]
        return self.greet(place, shards)

    def _served(self) -> bool:
        package = ray()
        try:
            package.get(self._lease, timeout=GONE)
        except package.exceptions.ObjectLostError:
            return False
        except package.exceptions.GetTimeoutError:
            return True
        return True


class Actors:
    """The actors of all shards, by number: one detached actor each, named, spread over the nodes.

    Args:
        name: of the corpus: two corpora on one cluster have names of their own.
        shards: how many.
        section: the configuration: where the cluster's head is, what each actor has set aside, and how long answers
            are waited for where nothing else is said.
    """

    def __init__(self, name: str, shards: int, section: RaySection) -> None:
        self._name, self._shards, self._address, self._timeout = name, shards, section.address, section.timeout
        memory = {"memory": int(section.memory_gb * 1e9)} if section.memory_gb else {}
        self._resources = {"num_cpus": section.cpus, **memory}
        self._handles: list[Any] = []
        self._nodes: list[str] = []
        self._connected = self._hired = False
        self._lease: Ref = None

    def connect(self) -> None:
        """Join the cluster, if need be.

        Raises:
            UnreachableError: it does not answer, or refuses.
        """
        if self._address.rpartition(":")[0] in _LOOPBACK:
            os.environ.setdefault(LOOPBACK_ONLY, "0")  # read when ray is loaded
        package = ray()
        if not package.is_initialized():
            self._reach()
            try:
                with _own_signals():
                    package.init(
                        address=self._address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False
                    )
            except (ConnectionError, ValueError, RuntimeError, package.exceptions.RayError) as error:
                message = f"ray cluster {self._address}: {_line(error)}; expected this machine to be a node of it"
                raise UnreachableError(message) from error
            self._connected, self._lease = True, None
        if self._lease is None:
            self._lease = package.put(self._name)

    def hire(self, place: bytes, seconds: float) -> list[bytes]:
        """Find every actor that lives, and make new ones for those that do not; what each says of itself.

        Raises:
            ConfigurationError: they serve a coordinator that is alive.
        """
        package = ray()
        self._nodes = sorted(
            node["NodeID"]
            for node in package.nodes()
            if node["Alive"] and node["Resources"].get("CPU", 0) >= self._resources["num_cpus"]
        )
        self._handles = [self._made(number) for number in range(self._shards)]
        said = self.ask("hired", [([self._lease], place, self._shards)] * self._shards, seconds)
        self._hired = True
        return said

    def ask(self, method: str, given: Sequence[Sequence[object]], seconds: float | None = None) -> list[Any]:
        """Call a method of every actor, and wait for all.

        Args:
            method: its name.
            given: arguments, by actor.
            seconds: to wait, where it is not the usual time.
        """
        return self.answers([self.begin(method, given)], seconds)

    def one(self, number: int, method: str, *given: object) -> Any:
        """Call a method of one actor."""
        return self._answer(getattr(self._handles[number], method).remote(*given), number)

    def begin(self, method: str, given: Sequence[Sequence[object]], *, results: int = 1) -> list[Any]:
        """Call a method of every actor: an answer to come, or several, by actor."""
        return [
            getattr(handle, method).options(num_returns=results).remote(*of)
            for handle, of in zip(self._handles, given, strict=True)
        ]

    def answers(self, rounds: Sequence[Sequence[Any]], seconds: float | None = None) -> list[Any]:
        """Wait for the last of several rounds of calls, each of which needs those before it.

        Raises:
            ShardAwayError: the first, of the first round, that does not answer.
            CorpusDriftError: what a shard itself raised.
        """
        wanted, waiting = list(rounds[-1]), self._timeout if seconds is None else seconds
        if ray().wait(wanted, num_returns=len(wanted), timeout=waiting)[1]:
            raise self._named(self._silent(rounds), f"no answer within {waiting:g} s")
        return [self._answer(ref, number) for number, ref in enumerate(wanted)]

    def close(self) -> None:
        """End the actors, if they serve nobody else, and leave the cluster; safe to call twice."""
        package = ray()
        if package.is_initialized():
            for handle in self._handles if self._hired else ():
                with suppress(package.exceptions.RayError, ValueError):
                    package.kill(handle, no_restart=True)
        self._handles, self._lease, self._hired = [], None, False
        if self._connected:
            package.shutdown()
            self._connected = False

    def _reach(self) -> None:
        """Look whether anybody listens there: Ray itself tries for minutes."""
        host, _, port = self._address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=GONE).close()
        except (OSError, ValueError) as error:
            message = f"ray cluster {self._address}: {_line(error)}; expected host:port of its head"
            raise UnreachableError(message) from error

    def spread(self, function: Callable[..., Any], number: int, results: int, *given: object) -> list[Ref]:
        """Run a function on one of the nodes that have shards, another for each number: several answers to come.

        It takes no core of its own: shards have them all, and wait while it runs.
        """
        where = self._where(number)
        made = ray().remote(function).options(num_returns=results, num_cpus=0, scheduling_strategy=where)
        refs: list[Ref] = made.remote(*given)
        return refs

    def answer(self, ref: Ref, seconds: float) -> Any:
        """What a function that was spread came to.

        Raises:
            UnreachableError: nothing, in that time, or because its node is gone.
            CorpusDriftError: what it raised itself.
        """
        package = ray()
        try:
            return package.get(ref, timeout=seconds)
        except package.exceptions.RayTaskError as error:
            if isinstance(error.cause, CorpusDriftError):
                raise error.cause from None
            raise
        except package.exceptions.RayError as error:
            message = f"ray cluster {self._address}: {_line(error)}; expected a node to read files"
            raise UnreachableError(message) from error

    def _where(self, number: int) -> Any:
        if not self._nodes:
            return "SPREAD"
        strategy = ray().util.scheduling_strategies
        return strategy.NodeAffinitySchedulingStrategy(self._nodes[number % len(self._nodes)], soft=True)

    def _made(self, number: int) -> Any:
        package = ray()
        return (
            package.remote(LeasedHost)
            .options(
                name=f"{self._name} shard {number} of {self._shards}",
                namespace=NAMESPACE,
                lifetime="detached",
                get_if_exists=True,
                max_restarts=-1,
                max_task_retries=0,  # a shard that was born again has nothing: it must not be asked again unknowingly
                scheduling_strategy=self._where(number),
                **self._resources,
            )
            .remote(number)
        )

    def _answer(self, ref: Ref, number: int) -> Any:
        package = ray()
        try:
            return package.get(ref, timeout=self._timeout)
        except package.exceptions.RayTaskError as error:
            raise self._cause(error, number) from None
        except package.exceptions.RayError as error:
            raise self._named(number, _line(error)) from error

    def _silent(self, rounds: Sequence[Sequence[Any]]) -> int:
        """The first actor of the first round that has not answered."""
        for of in rounds:
            for number, refs in enumerate(of):
                each = refs if isinstance(refs, list) else [refs]
                if ray().wait(each, num_returns=len(each), timeout=0)[1]:
                    return number
        return 0

    def _cause(self, error: Any, number: int) -> BaseException:
        """What a task raised, or why its actor is away."""
        cause = error.cause
        while getattr(cause, "cause", None) is not None:  # of a task that needed the answer of another one
            cause = cause.cause
        if isinstance(cause, ShardAwayError):  # it was born again
            return self._named(number, str(cause))
        if isinstance(cause, CorpusDriftError):
            return cause
        if isinstance(cause, ray().exceptions.RayError):
            return self._named(number, _line(cause))
        made: BaseException = error
        return made

    def _named(self, number: int, why: str) -> ActorAwayError:
        return ActorAwayError(number, self._shards, why)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray ends a process on SIGTERM; what it does then is this program's own business."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _line(error: BaseException) -> str:
    """The first line of what Ray says, which has many."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
