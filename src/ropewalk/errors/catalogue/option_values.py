"""Errors of option values and of remembered browsers: codes from RW375."""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry

OPTION_VALUES: Final = (
    Entry(
        "RW375",
        "A cookie of a remembered browser was used again after it was replaced. It may be stolen, so all sessions of "
        "its user have ended.",
        "Let the user log in again, and change the password if another person may have used the browser.",
    ),
    Entry(
        "RW376",
        "An option has a value of a wrong type.",
        "Give a value of the type that the message names.",
    ),
    Entry("RW377", "An option that has no default was not given.", "Give it. The reference describes the option."),
)
