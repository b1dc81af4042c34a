"""How many pages a version brings, beside the one in force."""

from flask import Blueprint

blueprint = Blueprint("burden", __name__, url_prefix="/protocols")
