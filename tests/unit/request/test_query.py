"""The parameters of a query string."""

from tests.unit.request.reading import read_in_handler

from ropewalk import QueryParams


class TestQuery:
    def test_several_values(self) -> None:
        query = QueryParams(b"tag=a&tag=b&empty=&plus=a+b&pct=%C3%A9")
        assert query["tag"] == "a"
        assert query.all("tag") == ["a", "b"]
        assert dict(query) == {"tag": "a", "empty": "", "plus": "a b", "pct": "é"}
        assert query.all("none") == []
        assert query.get("none") is None
        assert query.pairs()[:2] == [("tag", "a"), ("tag", "b")]
        assert len(query) == 4

    def test_pairs_in_their_order(self) -> None:
        query = QueryParams(b"b=2&a=1&b=&a=1&c")
        assert query.pairs() == [("b", "2"), ("a", "1"), ("b", ""), ("a", "1"), ("c", "")]
        assert list(query) == ["b", "a", "c"]
        assert query.all("b") == ["2", ""]

    def test_in_a_request(self) -> None:
        assert read_in_handler(lambda r: r.query.all("a"), "/", query={"a": [1, "x y"]}) == ["1", "x y"]
