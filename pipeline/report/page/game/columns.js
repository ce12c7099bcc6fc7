// Columns of whole numbers, as pipeline/report/columns.py packs them.

const BYTES = 6;

/** Unpacks {columns: [[name, length], ...], data} to an object of Float64Array by name. */
export async function unpack({ columns, data }) {
  const bytes = await inflate(Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)));
  const unpacked = {};
  let at = 0;
  for (const [name, length] of columns) {
    unpacked[name] = sums(bytes.subarray(at, at + BYTES * length), length);
    at += BYTES * length;
  }
  return unpacked;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Running sums of differences that lie in planes of bytes, the lowest first; the last has the sign. */
function sums(planes, length) {
  const values = new Float64Array(length);
  let sum = 0;
  for (let i = 0; i < length; i++) {
    const low = planes[i] + 256 * (planes[length + i] + 256 * (planes[2 * length + i] + 256 * planes[3 * length + i]));
    const high = ((planes[4 * length + i] | (planes[5 * length + i] << 8)) << 16) >> 16;
    sum += low + 4294967296 * high;
    values[i] = sum;
  }
  return values;
}
