"""Typed handlers, middleware and authentication, compared with other frameworks and with the same app without them."""
