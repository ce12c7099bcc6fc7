"""The server that waits is small: what is heavy lives in workers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_MOST = 80 << 20
_PROGRAM = """
import json, re, sys
from pathlib import Path
from starlette.testclient import TestClient
from pipeline.serve.app import make_app
from pipeline.serve.settings import ServeSettings
import pipeline.serve.server
before = set(sys.modules)
app = make_app(ServeSettings(data=Path(sys.argv[1])))
token = {"authorization": app.state.tokens.add("one")}
with TestClient(app) as client:
    for path in ("/", "/jobs", "/videos", "/settings", "/healthz", "/serve/jobs.js", "/jobs/x/results/y"):
        client.get(path, headers=token)
status = Path("/proc/self/status")
memory = int(re.search(r"VmRSS:\\\\s+(\\\\d+)", status.read_text())[1]) * 1024 if status.exists() else 0
print(json.dumps([memory, sorted(name.partition(".")[0] for name in sys.modules)]))
"""


@pytest.mark.slow
def test_the_server_loads_no_library_of_pictures_and_little_memory(tmp_path: Path) -> None:
    program = _PROGRAM.replace("\\\\", "\\")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    memory, modules = json.loads(done.stdout.splitlines()[-1])
    assert not {"numpy", "cv2", "av", "torch", "openvino", "scipy", "PIL", "matplotlib"} & set(modules)
    assert memory < _MOST
