"""The OpenAPI 3.1 document of an app, made from its resource tree and the annotations of its handlers."""

from ropewalk.openapi.document import document_of
from ropewalk.openapi.options import OpenAPI
from ropewalk.openapi.publishing import Published, encode_document

__all__ = ["OpenAPI", "Published", "document_of", "encode_document"]

OpenAPI.__module__ = "ropewalk"  # the package from which users import it
