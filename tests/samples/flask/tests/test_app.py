import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from app import app


def test_the_page_answers():
    assert app.test_client().get("/").status_code == 200
