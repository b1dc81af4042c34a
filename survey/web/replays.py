"""What-if: start a replay of a version over all responses, watch it, read who moves."""

from flask import Blueprint

blueprint = Blueprint("replays", __name__, url_prefix="/protocols")
