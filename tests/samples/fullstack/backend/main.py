import os

from fastapi import FastAPI

app = FastAPI()


@app.get("/api/health")
def health() -> dict[str, str | None]:
    return {"release": os.environ.get("RELEASE")}
