"""Collect the parts of a multipart form: fields in memory, files in a spool."""

from typing import Any

from ropewalk.errors import BadBody, BodyTooLarge
from ropewalk.forms.content_types import codec_of
from ropewalk.forms.form_data import FormData
from ropewalk.forms.limits import FormLimits
from ropewalk.forms.multipart_events import MultipartEvents, PartHead
from ropewalk.forms.temporary_files import Spool
from ropewalk.forms.upload_file import UploadFile
from ropewalk.waiting import Waiter


class MultipartForm:
    """Takes the bytes of a body as they arrive, and makes the FormData. Close it if the body has an error or no end."""

    def __init__(self, boundary: str, limits: FormLimits) -> None:
        self._limits = limits
        self._events = MultipartEvents(boundary, limits)
        self._spool = Spool(limits.spool_limit)
        self._fields: list[tuple[str, str]] = []
        self._files: list[tuple[str, UploadFile]] = []
        self._head: PartHead | None = None
        self._codec = ""
        self._text: list[bytes] = []
        self._start = 0
        self._left = limits.fields_limit
        """How many bytes the names and values of the following fields may have together."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises BadBody, BodyTooLarge, HTTPError 415, and OSError if the disk is full."""
        for event in self._events.feed(data):
            if event is None:
                self._end_part()
            elif isinstance(event, PartHead):
                self._begin_part(event)
            elif self._codec:
                self._take(len(event))
                self._text.append(event)
            else:
                self._spool.append(event)

    def end(self) -> FormData:
        """The form. Raises BadBody if the body is incomplete."""
        self._events.end()
        return FormData(self._fields, self._files, self._spool)

    def delete_files_after(self, ended: Waiter[Any]) -> None:
        """Delete the content of the files when the exchange has ended. See `Spool.delete_after`."""
        self._spool.delete_after(ended)

    def close(self) -> None:
        """Delete the content of the files."""
        self._spool.close()

    def _begin_part(self, head: PartHead) -> None:
        self._head = head
        if head.filename is None:
            self._codec = codec_of(head.charset)
            self._take(len(head.name))
        else:
            self._codec = ""
            self._start = self._spool.size

    def _end_part(self) -> None:
        head = self._head
        assert head is not None
        if head.filename is None:
            try:
                self._fields.append((head.name, b"".join(self._text).decode(self._codec)))
            except UnicodeDecodeError:
                raise BadBody("A field of the form is not text in its charset.") from None
            self._text = []
            return
        size = self._spool.size - self._start
        if head.filename or size:  # a browser sends an empty part without a file name if no file is chosen
            made = UploadFile(
                self._spool,
                self._start,
                size,
                name=head.name,
                filename=head.filename,
                content_type=head.content_type,
            )
            self._files.append((head.name, made))

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise BodyTooLarge(f"The fields of the form are larger than {self._limits.fields_limit} bytes.")
