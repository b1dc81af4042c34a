"""A candidate in shadow: start it, and see what it would have said so far."""

from flask import Blueprint

blueprint = Blueprint("shadows", __name__, url_prefix="/protocols")
