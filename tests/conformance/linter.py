"""Prints what REDbot reports for some URLs, as JSON. Run by an interpreter that has REDbot: `linter.py URL...`."""

import json
import sys
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from typing import Any

import thor
from redbot.resource import HttpResource


def check(urls: list[str]) -> list[Any]:
    """The status and the notes of each URL."""
    config = ConfigParser()
    config.read_dict({"redbot": {"enable_local_access": "True"}})
    resources = [HttpResource(config["redbot"]) for _ in urls]
    running = set(resources)

    def done(resource: Any) -> None:
        running.discard(resource)
        if not running:
            thor.stop()

    for resource, url in zip(resources, urls, strict=True):
        resource.set_request(url)
        resource.on("check_done", lambda resource=resource: done(resource))
        resource.check()
    thor.run()
    return [(resource.response.status_code, list(described(resource.response.notes))) for resource in resources]


def described(notes: Iterable[Any]) -> Iterator[dict[str, str]]:
    for note in notes:
        yield {"name": type(note).__name__, "level": note.level.name, "summary": note.summary}
        yield from described(note.subnotes)


if __name__ == "__main__":
    print(json.dumps(check(sys.argv[1:])))
