"""The form that takes a file of procedures."""

from uuid import UUID

from flask_wtf.file import FileField
from wtforms import SelectField

from survey.domain.errors import Refused
from survey.web.forms import Form

NO_FILE = "Choose a CSV file."


class ImportForm(Form):
    """A file, the site where the procedures were done, and the protocol that asks about them."""

    file = FileField("CSV file", description="Saved as UTF-8, at most 5 MB, with names of columns in its first line.")
    site = SelectField("Site")
    protocol = SelectField("Protocol")

    def content(self) -> bytes:
        """The file's bytes. Raises Refused (field `file`) when none was chosen."""
        if not self.file.data:
            raise Refused(NO_FILE, field="file")
        content: bytes = self.file.data.read()
        return content

    def site_id(self) -> UUID:
        """The site chosen."""
        return UUID(self.site.data)
