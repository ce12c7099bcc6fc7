// One upload by tus-js-client, as `benchmarks/uploads.py` runs and kills it: node uploads.mjs ENDPOINT TOKEN FILE STATE CHUNK
import { createReadStream } from "node:fs";
import { createRequire } from "node:module";

const tus = createRequire(`${process.cwd()}/`)("tus-js-client");
const [endpoint, token, file, state, chunk] = process.argv.slice(2);

const upload = new tus.Upload(createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  chunkSize: Number(chunk),
  metadata: { filename: "game.mp4" },
  retryDelays: Array(200).fill(100),
  storeFingerprintForResuming: true,
  urlStorage: new tus.FileUrlStorage(state),
  onError(error) {
    process.stderr.write(`${error}\n`);
    process.exit(1);
  },
  onSuccess() {
    process.stdout.write(upload.url);
    process.exit(0);
  },
});
const [previous] = await upload.findPreviousUploads();
if (previous) upload.resumeFromPreviousUpload(previous);
upload.start();
