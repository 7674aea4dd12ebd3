"""What is wrong with a deploy's span of the stream: the place where its typed problems are attached."""

from monitor.core.model.barrier import Closed
from monitor.core.model.problems import Problem, ProblemKind


def span_problems(closed: Closed) -> tuple[Problem, ...]:
    """Why a deploy cannot be judged, whatever its numbers: each problem makes its verdict UNKNOWN."""
    if closed.how == "complete":
        return ()
    missing = ", ".join(f"{part.topic}/{part.partition}" for part in closed.missing) or "none"
    said = f"deploy {closed.deploy.deploy_id!r}: barrier {closed.how}, markers missing from: {missing}"
    return (Problem(ProblemKind.BARRIER, said),)
