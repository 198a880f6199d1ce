// The light at every plane: a slider through them, three quantities, the value under the cursor.

const fieldViewer = (() => {
  const get = (id) => document.getElementById(id);
  const [canvas, bar, slider, under] = ["field", "scale", "plane", "under"].map(get);
  const sources = {};
  let [whose, quantity, cursor] = ["recorded", "intensity", null];

  // Of the plane that is shown.
  const shape = () => sources[whose].shapes[slider.value];
  const pitch = () => DATA.pitch.map((p) => p * (sources[whose].steps?.[slider.value] ?? 1));

  function marker() {
    const context = canvas.getContext("2d");
    if (!cursor || document.activeElement !== canvas) return;
    const [y, x] = cursor;
    context.fillStyle = "rgb(255 255 255 / .75)";
    const [ny, nx] = shape();
    for (const [a, b] of [[y, x - 2], [y, x + 2], [y - 2, x], [y + 2, x], [y, x - 3], [y, x + 3], [y - 3, x], [y + 3, x]]) {
      if (a >= 0 && b >= 0 && a < ny && b < nx) context.fillRect(b, a, 1, 1);
    }
  }

  function values() {
    const plane = DATA.planes[slider.value];
    const field = sources[whose].fields[slider.value];
    const rows = [["plane", `${plane.title}, z = ${metres(plane.z)}`]];
    let power = 0;
    for (let i = 0; i < field.n; i++) power += field.re[i] ** 2 + field.im[i] ** 2;
    const first = sources[whose].fields[0];
    let entering = 0;
    for (let i = 0; i < first.n; i++) entering += first.re[i] ** 2 + first.im[i] ** 2;
    rows.push(["light here", entering > 0 ? `${short(100 * power / entering)} % of what enters` : "none"]);
    if (cursor) {
      const [y, x] = cursor;
      const [ny, nx] = shape();
      const [py, px] = pitch();
      const i = y * nx + x;
      const [re, im] = [field.re[i], field.im[i]];
      const place = ny === 1
        ? `guide ${x}`
        : `x = ${metres((x - (nx - 1) / 2) * px)}, y = ${metres((y - (ny - 1) / 2) * py)}`;
      rows.push(["cursor", place]);
      rows.push(["intensity", short(re * re + im * im)]);
      rows.push(["amplitude", short(Math.hypot(re, im))]);
      rows.push(["phase", `${short(Math.atan2(im, re))} rad`]);
    } else {
      rows.push(["cursor", "point at the picture, or use the arrow keys on it"]);
    }
    under.replaceChildren(...rows.map(([name, value]) => {
      const row = document.createElement("div");
      const [dt, dd] = ["dt", "dd"].map((tag) => document.createElement(tag));
      dt.textContent = name;
      dd.textContent = value;
      row.append(dt, dd);
      return row;
    }));
  }

  function show() {
    if (!sources[whose]) return;
    const plane = DATA.planes[slider.value];
    const field = sources[whose].fields[slider.value];
    const most = drawField(canvas, field, shape(), quantity);
    const [h, w] = sidesOf(shape());
    canvas.style.aspectRatio = `${w} / ${h}`;
    marker();
    get("plane-name").textContent = `${Number(slider.value) + 1} of ${DATA.planes.length}: ${plane.title}`;
    slider.setAttribute("aria-valuetext", plane.title);
    drawBar(most);
    values();
    const stage = canvas.parentElement;
    stage.querySelector("svg")?.remove();
    const last = Number(slider.value) === DATA.planes.length - 1;
    if (get("keys")) get("keys").hidden = !last;
    if (last && DATA.regions.length > 0) stage.append(regionsOver(sources[whose].answer));
  }

  function drawBar(most) {
    const map = quantity === "phase" ? MAPS.phase : MAPS.amount;
    bar.style.background = cssRamp(map, "to top");
    const [low, high] = quantity === "phase" ? ["−π", "π"] : ["0", short(most)];
    bar.parentElement.dataset.low = low;
    bar.parentElement.dataset.high = high;
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const [ny, nx] = shape();
    const at = (v, size, n) => Math.min(n - 1, Math.max(0, Math.floor(v / size * n)));
    cursor = [at(event.clientY - box.top, box.height, ny), at(event.clientX - box.left, box.width, nx)];
    values();
  }

  function start() {
    slider.max = DATA.planes.length - 1;
    slider.value = DATA.planes.length - 1;
    slider.addEventListener("input", show);
    for (const radio of document.querySelectorAll("input[name=quantity]")) {
      radio.addEventListener("change", () => {
        quantity = radio.value;
        show();
      });
    }
    for (const radio of document.querySelectorAll("input[name=whose]")) {
      radio.addEventListener("change", () => choose(radio.value));
    }
    canvas.addEventListener("pointermove", place);
    canvas.addEventListener("pointerdown", place);
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const [ny, nx] = shape();
      const many = event.shiftKey ? 10 : 1;
      const from = cursor ?? [Math.floor(ny / 2), Math.floor(nx / 2)];
      cursor = from.map((v, a) => Math.min([ny, nx][a] - 1, Math.max(0, v + many * step[a])));
      show();
    });
    canvas.addEventListener("focus", show);
    canvas.addEventListener("blur", show);
  }

  function choose(name) {
    whose = name;
    cursor = null;
    const note = get("whose");
    note.textContent = name === "drawn" ? `your drawing, read as ${DATA.classes[sources.drawn.answer]}` : note.dataset.recorded;
    show();
  }

  // Planes of the test sample or of a drawing: { fields, shapes, answer }, steps where samples are left out.
  function set(name, source) {
    sources[name] = source;
    const radio = document.querySelector(`input[name=whose][value=${name}]`);
    if (radio) radio.disabled = false;
    if (whose === name) choose(name);
  }

  return { start, set };
})();
