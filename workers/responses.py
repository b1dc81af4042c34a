"""Scores what patients have answered."""

from survey.domain.queues import Queue
from survey.services import scores
from workers.celery_app import task
from workers.drain import drain


@task(Queue.SCORING)
def score() -> None:
    """Score every response whose answers are newer than its score."""
    drain(Queue.SCORING, scores.score_due)
