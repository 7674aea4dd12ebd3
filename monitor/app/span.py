"""What is wrong with a deploy's span of the stream: the place where its typed problems are attached."""

from collections.abc import Collection

from monitor.core.model.barrier import Closed
from monitor.core.model.events import BOOTSTRAP_DEPLOY
from monitor.core.model.problems import Problem, ProblemKind


def span_problems(closed: Closed) -> tuple[Problem, ...]:
    """Why a deploy cannot be judged, whatever its numbers: each problem makes its verdict UNKNOWN."""
    if closed.how == "complete":
        return ()
    missing = ", ".join(part.name for part in closed.missing) or "none"
    said = f"deploy {closed.deploy.deploy_id!r}: barrier {closed.how}, markers missing from: {missing}"
    return (Problem(ProblemKind.BARRIER, said),)


def bootstrap_problems(closed: Closed, waiting: Collection[str]) -> tuple[Problem, ...]:
    """Why a deploy cannot be judged whose marker stands before the end of a bootstrap.

    Args:
        closed: the deploy's barrier.
        waiting: deploys whose barrier is open.
    """
    if BOOTSTRAP_DEPLOY not in waiting:
        return ()
    said = f"deploy {closed.deploy.deploy_id!r}: it ends within the bootstrap, whose scan may have seen later changes"
    return (Problem(ProblemKind.BARRIER, said),)
