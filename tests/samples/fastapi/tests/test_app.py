import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.main import app
from fastapi.testclient import TestClient


def test_the_health_page_answers():
    assert TestClient(app).get("/health").status_code == 200
