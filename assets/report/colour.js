// Colour maps of the program, and what a field shows of itself.

const MAPS = { amount: rawBytes(DATA.maps.amount), phase: rawBytes(DATA.maps.phase) };

function put(map, index, pixels, at) {
  pixels[at] = map[3 * index];
  pixels[at + 1] = map[3 * index + 1];
  pixels[at + 2] = map[3 * index + 2];
  pixels[at + 3] = 255;
}

const putAmount = (share, pixels, at) =>
  put(MAPS.amount, Math.round(255 * Math.min(1, Math.max(0, share))), pixels, at);

function putPhase(angle, pixels, at) {
  const turn = angle / (2 * Math.PI);
  put(MAPS.phase, Math.round(256 * (turn - Math.floor(turn))) % 256, pixels, at);
}

const css = (map, index) => `rgb(${map[3 * index]} ${map[3 * index + 1]} ${map[3 * index + 2]})`;

function cssRamp(map, direction) {
  const stops = [];
  const turned = map === MAPS.phase;
  for (let i = 0; i <= 32; i++) {
    const index = turned ? (Math.round(256 * (i / 32 + 0.5)) % 256) : Math.round(255 * i / 32);
    stops.push(css(map, index));
  }
  return `linear-gradient(${direction}, ${stops.join(", ")})`;
}

// Below this part of the largest amplitude a phase means nothing.
const DIM = 0.01;

// Paints a field as "intensity", "amplitude" or "phase"; the largest value.
function paint(field, quantity, image) {
  const { n, re, im } = field;
  let most = 0;
  for (let i = 0; i < n; i++) most = Math.max(most, re[i] * re[i] + im[i] * im[i]);
  for (let i = 0; i < n; i++) {
    const power = re[i] * re[i] + im[i] * im[i];
    if (quantity === "phase") {
      if (power <= DIM * DIM * most) image.data.set([226, 226, 226, 255], 4 * i);
      else putPhase(Math.atan2(im[i], re[i]), image.data, 4 * i);
    } else {
      const share = most > 0 ? power / most : 0;
      putAmount(quantity === "amplitude" ? Math.sqrt(share) : share, image.data, 4 * i);
    }
  }
  return quantity === "phase" ? Math.PI : quantity === "amplitude" ? Math.sqrt(most) : most;
}

// Three digits, powers of ten where they are needed.
function short(v) {
  if (v === 0) return "0";
  const power = Math.floor(Math.log10(Math.abs(v)));
  if (power >= -3 && power < 5) return String(Number(v.toPrecision(3))).replace("-", "−");
  const digits = String(power).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
  return `${Number((v / 10 ** power).toPrecision(3))}×10${digits}`.replace("-", "−");
}

function metres(v) {
  const size = Math.abs(v);
  const [factor, unit] =
    size >= 0.9 ? [1, "m"] : size >= 0.9e-3 ? [1e3, "mm"] : size >= 0.9e-6 ? [1e6, "µm"] : [1e9, "nm"];
  return v === 0 ? "0" : `${short(v * factor)} ${unit}`;
}
