"""Todos: `/todos` and `/todos/{id}`."""

from typing import Annotated

from msgspec import structs

from ropewalk import App, Depends, HTTPError, MergePatch, Query, Request
from ropewalk.paging import CursorPages, CursorQuery, Page
from todo.models import NewTodo, Todo, TodoFields
from todo.store import Store
from todo.users import CurrentUser, logged_in

todos = App(middleware=[logged_in])


@todos.post("", status=201)
def add_todo(new: NewTodo, user: CurrentUser, store: Annotated[Store, Depends()]) -> Todo:
    """Add a todo."""
    return store.add(user.name, new)


PAGES: CursorPages[int] = CursorPages(int, name="todos")


class TodoQuery(CursorQuery, forbid_unknown_fields=True):
    """`?done=false` selects the todos that are not done."""

    done: bool | None = None


@todos.get("")
def list_todos(
    request: Request, user: CurrentUser, store: Annotated[Store, Depends()], query: Annotated[TodoQuery, Query()]
) -> Page[Todo]:
    """List your todos, a page at a time."""
    after = PAGES.position(query).key or 0
    found = store.page(user.name, after, query.limit + 1, query.done)
    return PAGES.page(request, query, found, key=lambda todo: todo.id)


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
def change_todo(
    todo: FoundTodo, patch: MergePatch[TodoFields], user: CurrentUser, store: Annotated[Store, Depends()]
) -> Todo:
    """Change some fields of a todo."""
    changed = Todo(id=todo.id, **structs.asdict(patch.apply(todo)))
    store.replace(user.name, changed)
    return changed


@todos.delete("/{id:int}", responses={404: "There is no such todo."})
def delete_todo(todo: FoundTodo, user: CurrentUser, store: Annotated[Store, Depends()]) -> None:
    """Delete a todo."""
    del store.todos_of(user.name)[todo.id]
