"""Hello with decorators. Run it with `python hello.py` or `ropewalk run hello.py`."""

from ropewalk import App, Request

app = App()


@app.get("/")
def hello(request: Request) -> str:
    return "Hello, World!"


@app.get("/hello/{name}")
async def greet(request: Request, name: str) -> dict[str, str]:
    return {"hello": name}


if __name__ == "__main__":
    app.run(port=8080)
