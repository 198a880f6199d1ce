// Draw a digit and watch: a pad of the data's own pixels, the light at every plane, the scores.

const drawing = (() => {
  const get = (id) => document.getElementById(id);
  const [height, width] = DATA.image;
  const pad = get("pad");
  const engines = {};
  let [engine, wanted, running, pen, next] = [null, 0, false, null, 0];
  // 0..1, row by row.
  let pixels = new Float64Array(height * width);
  let context = null;

  function toCanvas() {
    const image = context.createImageData(width, height);
    pixels.forEach((v, i) => {
      const grey = Math.round(255 * v);
      image.data.set([grey, grey, grey, 255], 4 * i);
    });
    context.putImageData(image, 0, 0);
  }

  function fromCanvas() {
    const { data } = context.getImageData(0, 0, width, height);
    for (let i = 0; i < pixels.length; i++) pixels[i] = data[4 * i] / 255;
  }

  // A soft pen of about two pixels, as the digits of MNIST are written.
  function ink([y, x]) {
    const radius = width / 28;
    for (let j = Math.floor(y - 3 * radius); j <= y + 3 * radius; j++) {
      for (let i = Math.floor(x - 3 * radius); i <= x + 3 * radius; i++) {
        if (i < 0 || j < 0 || i >= width || j >= height) continue;
        const away = Math.hypot(j + 0.5 - y, i + 0.5 - x) / radius;
        const cover = Math.min(1, Math.max(0, 1.75 - away));
        const at = j * width + i;
        pixels[at] = Math.max(pixels[at], Math.round(255 * cover) / 255);
      }
    }
  }

  function stroke(from, to) {
    const steps = Math.max(1, Math.ceil(4 * Math.hypot(to[0] - from[0], to[1] - from[1])));
    for (let k = 0; k <= steps; k++) {
      ink(from.map((v, a) => v + (to[a] - v) * k / steps));
    }
    toCanvas();
    run();
  }

  function position(event) {
    const box = pad.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height * height, (event.clientX - box.left) / box.width * width];
  }

  // Runs what is drawn; while one runs the latest waits. Resolves when the page shows it.
  async function run() {
    const mine = ++wanted;
    if (running) return;
    running = true;
    let done = 0;
    while (done !== wanted && engine) {
      done = wanted;
      fromCanvas();
      const began = performance.now();
      try {
        show(await engine.run(pixels), performance.now() - began);
      } catch (error) {
        if (engine.name !== "webgpu") throw error;
        lose(error);
        done = 0;
      }
      // Between runs the page gets its turn.
      await new Promise((resume) => setTimeout(resume));
    }
    running = false;
    return mine;
  }

  const best = (scores) => scores.reduce((top, s, k) => (s > scores[top] ? k : top), 0);

  function show({ scores, planes }, milliseconds) {
    const dark = pixels.every((v) => v === 0);
    const answer = best(scores);
    get("answer").textContent = dark ? "–" : DATA.classes[answer];
    const lowest = Math.min(0, ...scores);
    const highest = Math.max(...scores, lowest + 1e-12);
    const zero = -lowest / (highest - lowest);
    [...get("bars").children].forEach((row, k) => {
      const share = dark ? 0 : scores[k] / (highest - lowest);
      row.classList.toggle("best", !dark && k === answer);
      const bar = row.querySelector("i");
      bar.style.left = `${100 * (zero + Math.min(0, share))}%`;
      bar.style.width = `${100 * Math.abs(share)}%`;
      row.lastElementChild.textContent = dark ? "" : scores[k].toFixed(2).replace("-", "−");
    });
    [...get("way").children].forEach((figure, k) => {
      const canvas = figure.querySelector("canvas");
      const shape = shapeOf(planes[k]);
      const [h, w] = sidesOf(shape);
      canvas.style.aspectRatio = `${w} / ${h}`;
      drawField(canvas, planes[k], shape, "intensity");
      if (k === planes.length - 1 && DATA.regions.length > 0) {
        figure.querySelector("svg")?.remove();
        figure.querySelector("div").append(regionsOver(dark ? -1 : answer));
      }
    });
    fieldViewer.set("drawn", { fields: planes, shapes: planes.map(shapeOf), answer });
    get("engine").textContent = `${engine.about}: ${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
    document.documentElement.dataset.shown = wanted;
  }

  function lose(error) {
    delete engines.webgpu;
    const radio = document.querySelector("input[name=engine][value=webgpu]");
    radio.disabled = true;
    radio.title = error.message;
    choose("javascript");
  }

  function choose(name) {
    engine = engines[name];
    document.querySelector(`input[name=engine][value=${name}]`).checked = true;
    run();
  }

  function set(values) {
    pixels = Float64Array.from(values);
    toCanvas();
    return run();
  }

  function frames() {
    const names = DATA.classes.map((name) => {
      const row = document.createElement("div");
      const [label, track, bar, value] = ["span", "span", "i", "span"].map((tag) => document.createElement(tag));
      label.textContent = name;
      track.className = "track";
      track.append(bar);
      row.append(label, track, value);
      return row;
    });
    get("bars").append(...names);
    const figures = DATA.planes.map(({ title, z }) => {
      const [figure, frame, canvas, caption] = ["figure", "div", "canvas", "figcaption"].map((tag) => document.createElement(tag));
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `intensity, ${title}`);
      caption.textContent = DATA.modes ? title : `${title}, ${metres(z)}`;
      frame.append(canvas);
      figure.append(frame, caption);
      return figure;
    });
    get("way").append(...figures);
  }

  function listen(samples) {
    pad.addEventListener("pointerdown", (event) => {
      pad.setPointerCapture(event.pointerId);
      pen = position(event);
      stroke(pen, pen);
      event.preventDefault();
    });
    pad.addEventListener("pointermove", (event) => {
      if (!pen || event.buttons === 0) return;
      const to = position(event);
      stroke(pen, to);
      pen = to;
    });
    for (const end of ["pointerup", "pointercancel"]) {
      pad.addEventListener(end, () => { pen = null; });
    }
    // Whoever paints on the pad by other means says so.
    pad.addEventListener("input", () => run());
    let key = [height / 2, width / 2];
    let down = false;
    pad.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (event.key === "Delete" || event.key === "Backspace") set(new Float64Array(height * width));
      else if (event.key === " ") {
        down = !down;
        if (down) stroke(key, key);
      } else if (step) {
        const to = key.map((v, a) => Math.min([height, width][a] - 0.5, Math.max(0.5, v + step[a])));
        if (down) stroke(key, to);
        key = to;
      } else return;
      event.preventDefault();
    });
    get("clear").addEventListener("click", () => set(new Float64Array(height * width)));
    get("sample").addEventListener("click", () => {
      next = (next + 1) % samples.length;
      set(samples[next].image);
    });
    for (const radio of document.querySelectorAll("input[name=engine]")) {
      radio.addEventListener("change", () => choose(radio.value));
    }
    for (const button of document.querySelectorAll(".mistakes button")) {
      const sample = Number(button.dataset.sample);
      const known = samples.find((s) => s.sample === sample);
      button.disabled = !known;
      button.addEventListener("click", () => {
        set(known.image);
        get("draw").scrollIntoView({ behavior: "smooth" });
      });
    }
  }

  // samples: [{ sample, label, image }] to send through.
  async function start(samples) {
    pad.width = width;
    pad.height = height;
    context = pad.getContext("2d", { willReadFrequently: true });
    frames();
    listen(samples);
    engines.javascript = await jsEngine.make();
    const first = samples.find((s) => s.sample === DATA.shown.sample) ?? samples[0];
    pixels = Float64Array.from(first.image);
    toCanvas();
    let refused = null;
    try {
      engines.webgpu = await gpuEngine.make();
    } catch (error) {
      refused = error;
    }
    const radio = document.querySelector("input[name=engine][value=webgpu]");
    radio.disabled = !engines.webgpu;
    radio.parentElement.title = engines.webgpu ? "" : refused?.message ?? "this browser offers no WebGPU here";
    engine = engines[engines.webgpu ? "webgpu" : "javascript"];
    document.querySelector(`input[name=engine][value=${engine.name}]`).checked = true;
    await run();
  }

  return { start };
})();
