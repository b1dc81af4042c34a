"""Writing a protocol: copy a version, edit the copy, prove it, throw it away, retire what is in force."""

from flask import Blueprint

blueprint = Blueprint("versions", __name__, url_prefix="/protocols")
