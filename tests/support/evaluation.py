"""A submission, evaluated as it is posted or as it comes from a queue."""

from clemta_intake.intake import Evaluation, Invalid, Mapped, evaluate, evaluate_queued, events
from clemta_intake.model import MappedSubmission, Submission
from clemta_intake.sources.config import Form, Webhook


def posted(submission: Submission, source: Form | Webhook, signed_id: str = "") -> Evaluation:
    """What is to be done with a request of one event."""
    [event] = events(submission, source, signed_id)
    return evaluate(event, source)


def mapped(submission: Submission, source: Form | Webhook) -> MappedSubmission | None:
    """What a submission from a queue asks for; None if it is ignored, and the error if it is invalid."""
    evaluated = evaluate_queued(submission, source)
    if isinstance(evaluated, Invalid):
        raise evaluated.error
    return evaluated.mapped if isinstance(evaluated, Mapped) else None
