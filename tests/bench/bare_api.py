"""A FastAPI route that does nothing: what any answer over HTTP costs on this machine."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/bare")
def bare() -> dict[str, str]:
    """Runs in the thread pool, as the product's routes do."""
    return {"status": "ok"}
