"""Frames in, players out: detection, tracking, boxes drawn by hand. Knows nothing about actions."""

import os
import sys

# ultralytics reads these when it is first imported: it looks for the network, and installs packages by itself, unless
# told not to. Nothing here touches the network unless the user asks for a download.
os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("YOLO_AUTOINSTALL", "false")
# A .pt is a pickle and could run code: ultralytics then lets only its own kinds of layers in.
os.environ.setdefault("ULTRALYTICS_SAFE_LOAD", "true")
# OpenVINO's converter reports its use over the network where it finds this package, and is silent where it does not.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
