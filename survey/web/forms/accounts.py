"""Forms for signing in and for accounts."""

from wtforms import EmailField, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from survey.domain.accounts import Role
from survey.web.forms import Form, stripped

MAILBOX = Regexp(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", message="Enter an email address, such as ana@example.org.")

ROLES = {
    Role.STAFF: "Staff: enrols, works the worklist, enters forms by phone",
    Role.CLINICIAN: "Clinician: the same, and takes and closes alerts",
    Role.MANAGER: "Manager: the same, and keeps the on-call roster",
    Role.AUDITOR: "Auditor: trends and the audit trail, no patients",
    Role.ADMIN: "Administrator: accounts and the system, no patients",
}


class SignInForm(Form):
    """Email address and password; `next` is the page that was asked for."""

    email = EmailField(
        "Email address",
        filters=[stripped],
        validators=[InputRequired("Enter your email address."), Length(max=254)],
        render_kw={"autocomplete": "username"},
    )
    password = PasswordField(
        "Password", validators=[InputRequired("Enter your password.")], render_kw={"autocomplete": "current-password"}
    )
    next = HiddenField()


class NewUserForm(Form):
    """A new account."""

    name = StringField(
        "Name",
        description="As colleagues know them. It stands in the story of each patient.",
        filters=[stripped],
        validators=[InputRequired("Enter a name."), Length(max=100, message="Use at most 100 characters.")],
    )
    email = EmailField(
        "Email address", filters=[stripped], validators=[InputRequired("Enter an email address."), MAILBOX]
    )
    role = SelectField("Role", choices={"": "Choose a role", **ROLES}, validators=[InputRequired("Choose a role.")])
    pager = StringField(
        "Mobile number for pages",
        description="Only for people who are on call. Pages go there as texts, once its owner has typed in a code.",
        filters=[stripped],
        validators=[Length(max=30, message="This is longer than a phone number.")],
    )
    password = PasswordField(
        "First password",
        description="At least 15 characters, any characters. A few words in a row work well.",
        validators=[InputRequired("Enter a password.")],
        render_kw={"autocomplete": "new-password"},
    )
