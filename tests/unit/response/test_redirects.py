"""The redirect after a form."""

import pytest

from ropewalk.errors import InvalidField
from ropewalk.response import see_other


class TestSeeOther:
    def test_it_changes_the_method_to_get(self) -> None:
        response = see_other("/guests?a=ä", {"x-a": "1"})
        assert (response.status, response.headers["location"], response.headers["x-a"]) == (
            303,
            "/guests?a=%C3%A4",
            "1",
        )

    @pytest.mark.parametrize("target", ["/a\r\nset-cookie: b=c", "/a\tb"])
    def test_control_characters_are_refused(self, target: str) -> None:
        with pytest.raises(InvalidField):
            see_other(target)
