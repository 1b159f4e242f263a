"""Flask, which is served by gunicorn."""

from flask import Flask, abort, render_template, request, session, url_for

from pages import FIELDS, HOTEL, ROOMS, SECRET, STATIC, TEMPLATES, USER, summary

app = Flask(__name__, template_folder=str(TEMPLATES), static_folder=str(STATIC))
app.secret_key = SECRET
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


@app.template_global()
def static_url(name):
    return url_for("static", filename=name)


@app.get("/enter")
def enter():
    session["user"] = USER
    return "entered"


@app.get("/rooms", endpoint="rooms")
def rooms():
    user = session.get("user")
    if user is None:
        abort(403)
    return render_template("rooms.html", hotel=HOTEL, user=user, rooms=ROOMS)


@app.get("/rooms/<int:number>", endpoint="room")
def room(number):
    return str(number)


@app.post("/bookings")
def book():
    fields = {name: request.form[name] for name in FIELDS}
    try:
        guests, nights = int(fields.pop("guests")), int(fields.pop("nights"))
    except ValueError:
        abort(422)
    return summary(**fields, guests=guests, nights=nights), TEXT
