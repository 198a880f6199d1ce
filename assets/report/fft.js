// Mixed-radix discrete Fourier transforms in doubles, unnormalised both ways.
//
// A line of n = r m: r transforms of m over every r-th value, then r-point butterflies with
// twiddles exp(-2πi j k / n), down to single values.

function fft(n) {
  const radices = [];
  let rest = n;
  for (const r of [4, 2, 3, 5, 7]) {
    while (rest % r === 0) {
      radices.push(r);
      rest /= r;
    }
  }
  if (rest > 1 || n === 1) radices.push(rest);
  const cos = new Float64Array(n);
  const sin = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    cos[k] = Math.cos(2 * Math.PI * k / n);
    sin[k] = -Math.sin(2 * Math.PI * k / n);
  }
  const widest = Math.max(1, ...radices);
  const ar = new Float64Array(widest);
  const ai = new Float64Array(widest);

  // Values `at + i step` of x, i < length, into y from `to` on.
  function part(xr, xi, at, step, yr, yi, to, length, depth) {
    const r = radices[depth];
    const m = length / r;
    if (m > 1) {
      for (let j = 0; j < r; j++) part(xr, xi, at + j * step, step * r, yr, yi, to + j * m, m, depth + 1);
    }
    const stride = n / length;
    for (let k = 0; k < m; k++) {
      for (let j = 0; j < r; j++) {
        if (m === 1) {
          ar[j] = xr[at + j * step];
          ai[j] = xi[at + j * step];
          continue;
        }
        const t = j * k * stride;
        const i = to + j * m + k;
        ar[j] = yr[i] * cos[t] - yi[i] * sin[t];
        ai[j] = yr[i] * sin[t] + yi[i] * cos[t];
      }
      if (r === 2) {
        const i = to + k;
        yr[i] = ar[0] + ar[1];
        yi[i] = ai[0] + ai[1];
        yr[i + m] = ar[0] - ar[1];
        yi[i + m] = ai[0] - ai[1];
      } else if (r === 4) {
        const i = to + k;
        const sr = ar[0] + ar[2], si = ai[0] + ai[2], dr = ar[0] - ar[2], di = ai[0] - ai[2];
        // -i times the difference of the other two.
        const tr = ar[1] + ar[3], ti = ai[1] + ai[3], er = ai[1] - ai[3], ei = ar[3] - ar[1];
        yr[i] = sr + tr;
        yi[i] = si + ti;
        yr[i + m] = dr + er;
        yi[i + m] = di + ei;
        yr[i + 2 * m] = sr - tr;
        yi[i + 2 * m] = si - ti;
        yr[i + 3 * m] = dr - er;
        yi[i + 3 * m] = di - ei;
      } else {
        for (let q = 0; q < r; q++) {
          let sr = 0;
          let si = 0;
          for (let j = 0; j < r; j++) {
            const t = ((j * q) % r) * (n / r);
            sr += ar[j] * cos[t] - ai[j] * sin[t];
            si += ar[j] * sin[t] + ai[j] * cos[t];
          }
          yr[to + q * m + k] = sr;
          yi[to + q * m + k] = si;
        }
      }
    }
  }

  return {
    forward: (xr, xi, yr, yi) => part(xr, xi, 0, 1, yr, yi, 0, n, 0),
    // Real and imaginary parts exchanged.
    inverse: (xr, xi, yr, yi) => part(xi, xr, 0, 1, yi, yr, 0, n, 0),
  };
}
