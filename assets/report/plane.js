// A plane on a canvas: pixels as they are, regions of the detector over them.

// Sides [y, x] of `samples` in CSS pixels where the longer one is `room`; never a thread.
function sides([ny, nx], [py, px], room) {
  const extent = [ny * py, nx * px];
  const long = Math.max(...extent);
  return extent.map((e) => Math.round(room * Math.max(e / long, 0.16)));
}

// Samples [y, x] of a field that the page computed: the window's, or a row of guides.
function shapeOf({ n }) {
  const [ny, nx] = DATA.samples;
  return n === ny * nx ? DATA.samples : [1, n];
}

// Guides have no pitch of the window's.
const sidesOf = (shape) => (shape[0] === 1 ? sides(shape, [1, 1], 100) : sides(DATA.samples, DATA.pitch, 100));

function drawField(canvas, field, [ny, nx], quantity) {
  canvas.width = nx;
  canvas.height = ny;
  const context = canvas.getContext("2d");
  const image = context.createImageData(nx, ny);
  const most = paint(field, quantity, image);
  context.putImageData(image, 0, 0);
  return most;
}

const SVG = "http://www.w3.org/2000/svg";

// The detector's regions as a drawing over a plane; `answer` is made to stand out.
function regionsOver(answer) {
  const svg = document.createElementNS(SVG, "svg");
  const [ny, nx] = DATA.samples;
  const [py, px] = DATA.pitch;
  const [h, w] = [ny * py, nx * px];
  svg.setAttribute("viewBox", `0 0 100 ${100 * h / w}`);
  svg.setAttribute("class", "regions");
  svg.setAttribute("aria-hidden", "true");
  const scale = 100 / w;
  for (const r of DATA.regions) {
    const [cy, cx] = [(r.centre[0] + h / 2) * scale, (r.centre[1] + w / 2) * scale];
    const [sy, sx] = [r.size[0] * scale, r.size[1] * scale];
    const shape = document.createElementNS(SVG, r.is_round ? "ellipse" : "rect");
    const put = r.is_round
      ? { cx, cy, rx: sx / 2, ry: sy / 2 }
      : { x: cx - sx / 2, y: cy - sy / 2, width: sx, height: sy };
    for (const [key, value] of Object.entries(put)) shape.setAttribute(key, value);
    const role = r.is_positive ? "for" : "against";
    shape.setAttribute("class", r.class === answer ? `${role} chosen` : role);
    svg.append(shape);
    const text = document.createElementNS(SVG, "text");
    text.setAttribute("x", cx);
    text.setAttribute("y", cy - sy / 2 - 1.2);
    text.setAttribute("class", r.class === answer ? `${role} chosen` : role);
    text.textContent = r.class === null ? "" : DATA.classes[r.class];
    svg.append(text);
  }
  return svg;
}
