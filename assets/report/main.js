// Starts what the page has.

function drawMasks() {
  const value = document.getElementById("mask-value");
  for (const wheel of document.querySelectorAll(".wheel")) wheel.style.background = cssRamp(MAPS.phase, "to right");
  return Promise.all([...document.querySelectorAll("canvas.mask")].map(async (canvas) => {
    const [ny, nx] = DATA.samples;
    const values = new Float32Array(await buffers.buffer(buffers.named(canvas.dataset.name)));
    const isPhase = canvas.dataset.phase === "true";
    canvas.width = nx;
    canvas.height = ny;
    const [h, w] = sides(DATA.samples, DATA.pitch, 100);
    canvas.style.aspectRatio = `${w} / ${h}`;
    const context = canvas.getContext("2d");
    const image = context.createImageData(nx, ny);
    values.forEach((v, i) => (isPhase ? putPhase(v, image.data, 4 * i) : putAmount(v, image.data, 4 * i)));
    context.putImageData(image, 0, 0);
    canvas.addEventListener("pointermove", (event) => {
      const box = canvas.getBoundingClientRect();
      const at = (v, size, n) => Math.min(n - 1, Math.max(0, Math.floor(v / size * n)));
      const [y, x] = [at(event.clientY - box.top, box.height, ny), at(event.clientX - box.left, box.width, nx)];
      const v = values[y * nx + x];
      value.textContent = `${canvas.getAttribute("aria-label")}, row ${y}, column ${x}: ${short(v)}${isPhase ? " rad" : ""}`;
    });
  }));
}

async function start() {
  const fields = await Promise.all(DATA.shown.fields.map(async ({ data, scale }) => planar(new Int16Array(await unpack(data)), scale)));
  const [shapes, steps] = ["samples", "step"].map((key) => DATA.shown.fields.map((field) => field[key]));
  fieldViewer.start();
  fieldViewer.set("recorded", { fields, shapes, steps, answer: DATA.shown.answer });
  await drawMasks();
  if (document.getElementById("draw")) {
    const all = new Uint8Array(await unpack(DATA.pixels));
    const size = DATA.image[0] * DATA.image[1];
    const image = (k) => Float64Array.from(all.subarray(k * size, (k + 1) * size), (v) => v / 255);
    await drawing.start(DATA.digits.map((digit, k) => ({ ...digit, image: image(k) })));
  }
  document.documentElement.dataset.ready = "true";
}

start();
