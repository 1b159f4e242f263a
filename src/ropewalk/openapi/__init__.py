"""The description of an app's API (OpenAPI 3.1), made from its tree and the annotations of its handlers."""

from ropewalk.openapi.document import document_of
from ropewalk.openapi.options import OpenAPI
from ropewalk.openapi.publishing import Published, encode_document

__all__ = ["OpenAPI", "Published", "document_of", "encode_document"]

OpenAPI.__module__ = "ropewalk"  # the name that users import
