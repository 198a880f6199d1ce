// The machine step by step in doubles: what runs where the browser has no WebGPU.

const jsEngine = (() => {
  const { live, samples: [ny, nx] } = DATA;
  const dark = (n) => ({ n, re: new Float64Array(n), im: new Float64Array(n) });

  async function prepare(step) {
    if (step.kind === "space") {
      const { padded } = live.tables[step.table];
      return { kind: "space", padded, h: planar(await buffers.table(step.table)) };
    }
    if (step.kind === "phase") {
      const phase = new Float32Array(await buffers.buffer(step.buffer));
      const t = { re: Float64Array.from(phase, Math.cos), im: Float64Array.from(phase, Math.sin) };
      return { kind: "modulate", t };
    }
    if (step.kind === "modulate") {
      return { kind: "modulate", t: planar(new Float32Array(await buffers.buffer(step.buffer))) };
    }
    if (step.kind === "attenuate") {
      return { kind: "attenuate", a: new Float32Array(await buffers.buffer(step.buffer)) };
    }
    if (step.kind === "couple") {
      return { ...step, images: planar(new Float32Array(await buffers.buffer(step.buffer))) };
    }
    if (step.kind === "matrix") {
      return { kind: "matrix", modes: step.modes, u: planar(new Float32Array(await unpack(step.packed))) };
    }
    return step;
  }

  async function sparse([start, index, weight]) {
    return {
      start: new Uint32Array(await buffers.buffer(start)),
      index: new Uint32Array(await buffers.buffer(index)),
      weight: new Float32Array(await buffers.buffer(weight)),
    };
  }

  function apply({ start, index, weight }, x) {
    const y = new Float64Array(start.length - 1);
    for (let r = 0; r < y.length; r++) {
      for (let k = start[r]; k < start[r + 1]; k++) y[r] += weight[k] * x[index[k]];
    }
    return y;
  }

  const lines = new Map();
  function line(length) {
    if (!lines.has(length)) lines.set(length, fft(length));
    return lines.get(length);
  }

  // E(z) = inverse(H transform(E)), the field padded with darkness; lines of zeros are left out.
  function space({ re, im }, { padded: [my, mx], h }) {
    const [row, column] = [line(mx), line(my)];
    const wide = { re: new Float64Array(ny * mx), im: new Float64Array(ny * mx) };
    const [xr, xi] = [new Float64Array(mx), new Float64Array(mx)];
    for (let y = 0; y < ny; y++) {
      xr.fill(0);
      xi.fill(0);
      xr.set(re.subarray(y * nx, (y + 1) * nx));
      xi.set(im.subarray(y * nx, (y + 1) * nx));
      const part = (a) => a.subarray(y * mx, (y + 1) * mx);
      row.forward(xr, xi, part(wide.re), part(wide.im));
    }
    const [ar, ai] = [new Float64Array(my), new Float64Array(my)];
    const [br, bi] = [new Float64Array(my), new Float64Array(my)];
    for (let x = 0; x < mx; x++) {
      ar.fill(0);
      ai.fill(0);
      for (let y = 0; y < ny; y++) {
        ar[y] = wide.re[y * mx + x];
        ai[y] = wide.im[y * mx + x];
      }
      column.forward(ar, ai, br, bi);
      for (let y = 0; y < my; y++) {
        const [hr, hi] = [h.re[y * mx + x], h.im[y * mx + x]];
        const r = br[y] * hr - bi[y] * hi;
        bi[y] = br[y] * hi + bi[y] * hr;
        br[y] = r;
      }
      column.inverse(br, bi, ar, ai);
      for (let y = 0; y < ny; y++) {
        wide.re[y * mx + x] = ar[y];
        wide.im[y * mx + x] = ai[y];
      }
    }
    const out = dark(ny * nx);
    for (let y = 0; y < ny; y++) {
      const part = (a) => a.subarray(y * mx, (y + 1) * mx);
      row.inverse(part(wide.re), part(wide.im), xr, xi);
      out.re.set(xr.subarray(0, nx), y * nx);
      out.im.set(xi.subarray(0, nx), y * nx);
    }
    return out;
  }

  // y = h(|x|²) x; the laws stand in src/ops/activate.rs.
  function activation(law, { n, re, im }) {
    const factor = {
      electro_optic: (p) => {
        const psi = law.gain * p + law.bias;
        const a = Math.sqrt(1 - law.tap) / 2;
        return [a * Math.sin(psi), a * (1 + Math.cos(psi))];
      },
      saturable: (p) => [Math.exp(-law.absorption / (2 * (1 + p / law.saturation))), 0],
      kerr: (p) => [Math.cos(law.gamma * p), Math.sin(law.gamma * p)],
      softplus: (p) => {
        const m = Math.sqrt(p);
        const soft = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
        const open = soft(2 * (m - law.threshold)) - Math.log1p(Math.exp(-2 * law.threshold));
        return [m > 0 ? open / (2 * m) : 1 / (1 + Math.exp(2 * law.threshold)), 0];
      },
    }[law.function];
    const out = dark(n);
    for (let i = 0; i < n; i++) {
      const [hr, hi] = factor(re[i] * re[i] + im[i] * im[i]);
      out.re[i] = re[i] * hr - im[i] * hi;
      out.im[i] = re[i] * hi + im[i] * hr;
    }
    return out;
  }

  // E = √(power / Σ I²) I: a fresh wave that follows the intensity.
  function remodulate(power, { n, re, im }) {
    const out = dark(n);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      out.re[i] = re[i] * re[i] + im[i] * im[i];
      sum += out.re[i] ** 2;
    }
    const scale = sum > 0 ? Math.sqrt(power / sum) : 0;
    for (let i = 0; i < n; i++) out.re[i] *= scale;
    return out;
  }

  function couple({ modes, images }, { n, re, im }) {
    const out = dark(modes);
    for (let p = 0; p < n; p++) {
      for (let k = 0; k < modes; k++) {
        const [ur, ui] = [images.re[p * modes + k], images.im[p * modes + k]];
        out.re[k] += ur * re[p] - ui * im[p];
        out.im[k] += ur * im[p] + ui * re[p];
      }
    }
    return out;
  }

  function pass(x, step) {
    if (step.kind === "space") return space(x, step);
    if (step.kind === "activation") return activation(step.law, x);
    if (step.kind === "detect") return remodulate(step.power, x);
    if (step.kind === "couple") return couple(step, x);
    const { n } = x;
    const out = dark(n);
    if (step.kind === "matrix") {
      for (let r = 0; r < step.modes; r++) {
        for (let c = 0; c < step.modes; c++) {
          const [ur, ui] = [step.u.re[r * step.modes + c], step.u.im[r * step.modes + c]];
          out.re[r] += ur * x.re[c] - ui * x.im[c];
          out.im[r] += ur * x.im[c] + ui * x.re[c];
        }
      }
      return out;
    }
    for (let i = 0; i < n; i++) {
      const [tr, ti] = step.kind === "attenuate" ? [step.a[i], 0] : [step.t.re[i], step.t.im[i]];
      out.re[i] = x.re[i] * tr - x.im[i] * ti;
      out.im[i] = x.re[i] * ti + x.im[i] * tr;
    }
    return out;
  }

  function enter(entry, image) {
    const n = ny * nx;
    const field = dark(n);
    if (entry.fourier) {
      for (let p = 0; p < image.length; p++) {
        for (let k = 0; k < n; k++) {
          field.re[k] += image[p] * entry.fourier.re[p * n + k];
          field.im[k] += image[p] * entry.fourier.im[p * n + k];
        }
      }
    } else {
      const v = apply(entry.placement, image);
      for (let i = 0; i < n; i++) {
        const a = entry.amplitude ? v[i] : 1;
        const angle = (entry.phase ?? 0) * v[i];
        const [c, s] = [a * Math.cos(angle), a * Math.sin(angle)];
        field.re[i] = c * entry.source.re[i] - s * entry.source.im[i];
        field.im[i] = c * entry.source.im[i] + s * entry.source.re[i];
      }
    }
    if (entry.power) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += field.re[i] ** 2 + field.im[i] ** 2;
      const scale = sum > 0 ? Math.sqrt(entry.power / sum) : 0;
      for (let i = 0; i < n; i++) {
        field.re[i] *= scale;
        field.im[i] *= scale;
      }
    }
    return field;
  }

  // No light reads as 0.
  function readout(regions) {
    const classes = live.differential ? regions.length / 2 : regions.length;
    const ratio = (part, whole) => (whole === 0 ? 0 : part / whole);
    if (live.differential) {
      return Array.from({ length: classes }, (_, k) =>
        ratio(regions[k] - regions[classes + k], regions[k] + regions[classes + k]));
    }
    const whole = regions.reduce((a, b) => a + b, 0);
    return Array.from(regions, (p) => ratio(p, whole));
  }

  // z = W x + b of a digital head, if there is one.
  function decide(shares, head) {
    if (!head) return shares;
    const [w, b] = head;
    return Array.from(b, (z, k) => shares.reduce((sum, x, i) => sum + w[k * shares.length + i] * x, z));
  }

  async function make() {
    const { entry, detector } = live;
    const at = async (number) => planar(new Float32Array(await buffers.buffer(number)));
    const known = {
      ...entry,
      fourier: entry.fourier === null ? null : await at(entry.fourier),
      placement: entry.placement && (await sparse(entry.placement)),
      source: entry.source === null ? null : await at(entry.source),
    };
    const steps = [];
    for (const step of live.steps) steps.push(await prepare(step));
    const weights = await sparse(detector);
    const reals = async (number) => new Float32Array(await buffers.buffer(number));
    const head = live.head && (await Promise.all(live.head.map(reals)));
    return {
      name: "javascript",
      about: "plain JavaScript in double precision",
      // image: 0..1, row by row; { scores, planes }.
      run: async (image) => {
        let x = enter(known, image);
        const planes = [];
        for (const step of steps) {
          if (step.kind === "plane") planes.push(x);
          else x = pass(x, step);
        }
        const intensity = x.re.map((re, i) => re * re + x.im[i] * x.im[i]);
        return { scores: decide(readout(apply(weights, intensity)), head), planes };
      },
    };
  }

  return { make };
})();
