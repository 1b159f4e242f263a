"""Todos: `/todos` and `/todos/{id}`."""

from typing import Annotated
from urllib.parse import urlencode

from msgspec import UNSET, Meta

from ropewalk import App, Depends, HTTPError, Request, Response
from todo.models import NewTodo, Todo, TodoChange
from todo.store import Store
from todo.users import CurrentUser, logged_in

todos = App(middleware=[logged_in])


@todos.post("", status=201)
def add_todo(new: NewTodo, user: CurrentUser, store: Annotated[Store, Depends()]) -> Todo:
    """Add a todo."""
    return store.add(user.name, new)


@todos.get("", responses={200: list[Todo]})
def list_todos(
    request: Request,
    user: CurrentUser,
    store: Annotated[Store, Depends()],
    done: bool | None = None,
    after: Annotated[int, Meta(ge=0)] = 0,
    limit: Annotated[int, Meta(ge=1, le=100)] = 20,
) -> Response:
    """List your todos, a page at a time.

    The field `Link` of the response has the address of the next page (RFC 8288).
    """
    found = store.page(user.name, after, limit + 1, done)
    response = Response(found[:limit])
    if len(found) > limit:
        params = {**request.query, "after": str(found[limit - 1].id)}
        response.headers["link"] = f'<{request.path}?{urlencode(params)}>; rel="next"'
    return response


def find_todo(id: int, user: CurrentUser, store: Annotated[Store, Depends()]) -> Todo:
    """Return the todo with the id in the path, if it belongs to the user."""
    todo = store.todos_of(user.name).get(id)
    if todo is None:
        raise HTTPError(404, f"You have no todo {id}.")
    return todo


FoundTodo = Annotated[Todo, Depends(find_todo)]


@todos.get("/{id:int}", responses={404: "There is no such todo."})
def show_todo(todo: FoundTodo) -> Todo:
    """Show a todo."""
    return todo


@todos.patch("/{id:int}", responses={404: "There is no such todo."})
def change_todo(todo: FoundTodo, change: TodoChange) -> Todo:
    """Change some fields of a todo."""
    for name in change.__struct_fields__:
        value = getattr(change, name)
        if value is not UNSET:
            setattr(todo, name, value)
    return todo


@todos.delete("/{id:int}", responses={404: "There is no such todo."})
def delete_todo(todo: FoundTodo, user: CurrentUser, store: Annotated[Store, Depends()]) -> None:
    """Delete a todo."""
    del store.todos_of(user.name)[todo.id]
