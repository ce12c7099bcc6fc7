// The report, opened from disk: its data lie in the page.

import { App } from "./app.js";

App.start(JSON.parse(document.getElementById("data").textContent));
