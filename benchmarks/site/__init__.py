"""Pages with sessions, forms and uploads, compared with other frameworks and with the same app without them."""
