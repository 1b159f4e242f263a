"""Serve an app over HTTPS without a proxy. This needs the extra `tls`, `key.pem` and `certificate.pem`."""

from ropewalk import App, Request, TLSOptions

app = App()


@app.get("/")
def hello(request: Request) -> str:
    return f"Hello by {request.scheme}"


if __name__ == "__main__":
    app.run(port=8443, tls=TLSOptions(certificate="certificate.pem", key="key.pem"), redirect_http="8080")
