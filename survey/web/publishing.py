"""Publishing a version: what was tried, the downgrades to sign, and the second person’s word."""

from flask import Blueprint

blueprint = Blueprint("publishing", __name__, url_prefix="/protocols")
