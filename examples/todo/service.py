"""The complete service."""

from ropewalk import App, OpenAPI
from ropewalk.middleware import CORSOptions, cors, request_id
from todo.todos import todos
from todo.users import users

app = App(
    middleware=[
        request_id(),
        cors(
            CORSOptions(
                origins=["https://app.example.com"],
                methods=["GET", "POST", "PATCH", "DELETE"],
                headers=["Authorization", "Content-Type"],
                expose=["Link", "X-Request-ID"],
            )
        ),
    ],
    openapi=OpenAPI(title="Todo", version="1.0.0"),
)
app.mount("", users)
app.mount("/todos", todos)
