// Arrays of the page's data: zlib in base64, little-endian.

const DATA = JSON.parse(document.getElementById("data").textContent);

function rawBytes(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function unpack(packed) {
  const zlib = new DecompressionStream("deflate");
  const stream = new Blob([rawBytes(packed)]).stream().pipeThrough(zlib);
  return new Response(stream).arrayBuffer();
}

// A field { n, re, im } from re im re im.
function planar(pairs, scale = 1) {
  const n = pairs.length / 2;
  const field = { n, re: new Float64Array(n), im: new Float64Array(n) };
  for (let i = 0; i < n; i++) {
    field.re[i] = pairs[2 * i] * scale;
    field.im[i] = pairs[2 * i + 1] * scale;
  }
  return field;
}

// The buffers of the exported program as bytes, each once; null where they hold nothing yet.
const buffers = (() => {
  // A machine that is too large is not here, and nobody asks for its buffers.
  const { program, tables } = DATA.live ?? {};
  const kept = new Map();
  const wholeTable = async (number) => {
    const { padded: [my, mx], is_even, packed } = tables[number];
    const part = new Float32Array(await unpack(packed));
    if (!is_even) return part;
    const whole = new Float32Array(2 * my * mx);
    const width = Math.floor(mx / 2) + 1;
    for (let y = 0; y < my; y++) {
      const row = Math.min(y, my - y) * width;
      for (let x = 0; x < mx; x++) {
        const from = 2 * (row + Math.min(x, mx - x));
        whole[2 * (y * mx + x)] = part[from];
        whole[2 * (y * mx + x) + 1] = part[from + 1];
      }
    }
    return whole;
  };
  const once = (key, make) => {
    if (!kept.has(key)) kept.set(key, make());
    return kept.get(key);
  };
  const table = (number) => once(`table ${number}`, () => wholeTable(number));
  const reordered = async ({ table: number, y, x }) => {
    const from = new Float64Array((await table(number)).buffer);
    const to = new Float64Array(from.length);
    // A complex number of two f32 moves as one word of eight bytes.
    y.forEach((row, q) => x.forEach((column, p) => {
      to[q * x.length + p] = from[row * x.length + column];
    }));
    return to.buffer;
  };
  const buffer = (number) => once(number, async () => {
    const { data } = program.buffers[number];
    if (!data) return null;
    return data.packed === undefined ? reordered(data) : unpack(data.packed);
  });
  const named = (name) => program.buffers.findIndex((b) => b.name === name);
  return { table, buffer, named };
})();
