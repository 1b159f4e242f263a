"""A single-page application and a folder of downloads, each with the options that fit it."""

from pathlib import Path

from ropewalk import App, Files, FilesOptions

HERE = Path(__file__).parent / "static_site" / "public"

app = App()

app.mount(
    "/downloads",
    Files(HERE, FilesOptions(listing=True, downloads=["*.svg"], types={".knot": "text/plain"}), index="none"),
)

app.mount(
    "/",
    Files(
        [HERE / "knots", HERE],  # the first folder that has a file serves it
        FilesOptions(
            fallback="index.html",  # /rooms/7 is a page of the application
            precompressed=True,  # app.js.br for app.js
            hashed_names=True,  # browsers keep app.3f2a9c81.js for a year
            cache_control={"*.html": "no-cache"},  # browsers ask whether the page has changed
            error_pages={404: "not-found.html"},
        ),
    ),
)

if __name__ == "__main__":
    app.run(port=8080)
