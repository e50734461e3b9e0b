import os

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
def health() -> dict[str, str | None]:
    return {"release": os.environ.get("RELEASE"), "greeting": os.environ.get("GREETING")}
