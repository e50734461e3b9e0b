import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastapi.testclient import TestClient
from main import app


def test_the_health_page_answers():
    assert TestClient(app).get("/api/health").status_code == 200
