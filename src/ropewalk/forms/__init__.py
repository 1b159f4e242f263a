"""Forms of HTML pages: fields, and files that are uploaded."""

from ropewalk.forms.content_types import MULTIPART, URLENCODED, boundary_of
from ropewalk.forms.form_data import FormData
from ropewalk.forms.limits import DEFAULT_LIMITS, FormLimits
from ropewalk.forms.multipart_events import MissingMultipart, load_multipart
from ropewalk.forms.multipart_form import MultipartForm
from ropewalk.forms.part_stream import FormPart, PartStream
from ropewalk.forms.upload_file import UploadFile
from ropewalk.forms.urlencoded import parse_urlencoded
from ropewalk.multi_values import MultiValues

__all__ = [
    "DEFAULT_LIMITS",
    "MULTIPART",
    "URLENCODED",
    "FormData",
    "FormLimits",
    "FormPart",
    "MissingMultipart",
    "MultiValues",
    "MultipartForm",
    "PartStream",
    "UploadFile",
    "boundary_of",
    "load_multipart",
    "parse_urlencoded",
]

for _class in (FormData, FormPart, MissingMultipart, UploadFile):
    _class.__module__ = __name__  # the name that users import
