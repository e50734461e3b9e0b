import os

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/")
def index():
    return jsonify(release=os.environ.get("RELEASE"), greeting=os.environ.get("GREETING"))


@app.get("/health")
def health():
    return jsonify(release=os.environ.get("RELEASE"))
