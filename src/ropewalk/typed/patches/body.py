"""Read a body that is a patch. If the handler accepts several kinds, the media type decides."""

from dataclasses import replace
from typing import Any

from ropewalk.headers import content_type
from ropewalk.request import Request
from ropewalk.typed.bodies import JSONBody
from ropewalk.typed.parameter_sources import Input
from ropewalk.typed.patches.json_patch import JSONPatch, library
from ropewalk.typed.patches.kinds import PatchKind, Target, patch_kinds
from ropewalk.typed.patches.merge_patch import MergePatch
from ropewalk.typed.patches.operations import Operations
from ropewalk.typed.patches.targets import target_of
from ropewalk.typed.unprocessable_content import FieldError


class PatchBody:
    """Reads a body as a patch."""

    def __init__(self, body: Input) -> None:
        kinds = patch_kinds(body.kind)
        self._readers = {each.patch.media_type: _reader(body, each) for each in kinds}
        self._first = self._readers[kinds[0].patch.media_type]

    def read(self, request: Request) -> dict[str, Any]:
        """Return a dict with the argument. Raises ValidationError, and HTTPError 400 and 415."""
        return self._reader_for(request).read(request)

    def errors(self, request: Request) -> list[FieldError]:
        """List every error; empty if the body is valid."""
        return self._reader_for(request).errors(request)

    def _reader_for(self, request: Request) -> "_PatchReader":
        kind = content_type(request.header("content-type"))[0]
        return self._readers.get(kind, self._first)


class _PatchReader:
    """Reads a body as one kind of patch."""

    def __init__(self, body: Input, kind: PatchKind) -> None:
        self._parameter = body.parameter
        self._target: Target = target_of(kind.changed)
        self._json = JSONBody(replace(body, kind=self.kind))

    kind: Any

    def read(self, request: Request) -> dict[str, Any]:
        """Return a dict with the argument."""
        found = self._json.read(request)
        return {name: self.make(value) for name, value in found.items()}

    def errors(self, request: Request) -> list[FieldError]:
        """List every error; empty if the body is valid."""
        return self._json.errors(request)

    def make(self, value: Any) -> Any:
        raise NotImplementedError


class _MergePatchReader(_PatchReader):
    kind = dict[str, Any]
    """Only objects are accepted, because any other body would replace the whole target (RFC 7396, section 2). To
    replace it, clients must use PUT."""

    def make(self, value: Any) -> Any:
        return MergePatch(value, self._target)


class _JSONPatchReader(_PatchReader):
    kind = Operations

    def __init__(self, body: Input, kind: PatchKind) -> None:
        super().__init__(body, kind)
        library()

    def make(self, value: Any) -> Any:
        return JSONPatch(value, self._target)


def _reader(body: Input, kind: PatchKind) -> _PatchReader:
    return _MergePatchReader(body, kind) if issubclass(kind.patch, MergePatch) else _JSONPatchReader(body, kind)
