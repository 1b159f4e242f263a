"""`python -m hotel`."""

from hotel import app

app.run(port=8080)
