// One of the two directions of a convolution: where the source of each output position and tap lies.

/**
 * A grid of output positions and the taps of a kernel, such that the source index of (position i, tap a) is
 * origin + (i + shift)·stride + phase, where element e = eFirst + a·eStep gives phase = e % stride and
 * shift = e / stride. Split into its phases, the source is read with step 1 whatever stride and dilation are.
 */
@unmanaged
export class Axis {
  /** Elements of the source. */
  source: i32;
  stride: i32;
  origin: i32;
  /** Phases in use, and the largest shift. */
  phases: i32;
  extent: i32;
  taps: i32;
  eFirst: i32;
  eStep: i32;
  /** Tap a is element kFirst + a·kStep of the kernel. */
  kFirst: i32;
  kStep: i32;
  /** Output positions: position i is element outFirst + i·outStep of outSize. */
  grid: i32;
  outFirst: i32;
  outStep: i32;
  outSize: i32;
  /** The positions first … first + count − 1 are worked on now. */
  first: i32;
  count: i32;

  /** out[i] = Σₖ x[i·stride + k·dilation − pad] */
  forward(size: i32, out: i32, kernel: i32, stride: i32, dilation: i32, pad: i32): void {
    const reach = (kernel - 1) * dilation;
    this.source = size;
    this.stride = stride;
    this.origin = -pad;
    this.phases = min<i32>(stride, reach + 1);
    this.extent = reach / stride;
    this.taps = kernel;
    this.eFirst = 0;
    this.eStep = dilation;
    this.kFirst = 0;
    this.kStep = 1;
    this.grid = out;
    this.outFirst = 0;
    this.outStep = 1;
    this.outSize = out;
  }

  /**
   * The transpose: x[y] = Σₖ g[(y + pad − k·dilation) / stride], where that is whole, for the y ≡ phase (mod stride).
   * Only every so many taps meet such a y; there may be none.
   */
  backward(size: i32, out: i32, kernel: i32, stride: i32, dilation: i32, pad: i32, phase: i32): void {
    let k = 0;
    while (k < kernel && (phase + pad - k * dilation) % stride != 0) ++k;
    let step = 1;
    while ((step * dilation) % stride != 0) ++step;
    this.taps = k < kernel ? (kernel - 1 - k) / step + 1 : 0;
    this.kFirst = k;
    this.kStep = step;
    const last = k + (this.taps - 1) * step;
    this.source = out;
    this.stride = 1;
    this.origin = (phase + pad - last * dilation) / stride;
    this.phases = 1;
    this.extent = (phase + pad - k * dilation) / stride - this.origin;
    this.eFirst = this.extent;
    this.eStep = (-step * dilation) / stride;
    this.grid = phase < size ? (size - phase - 1) / stride + 1 : 0;
    this.outFirst = phase;
    this.outStep = stride;
    this.outSize = size;
  }

  /** Source elements of each phase that the current positions meet. */
  get span(): i32 {
    return this.count + this.extent;
  }

  /** Where tap a begins in a source split into phases that are `phaseStep` apart, with `step` between elements. */
  tapOffset(a: i32, phaseStep: i32, step: i32): i32 {
    const e = this.eFirst + a * this.eStep;
    return (e % this.stride) * phaseStep + (e / this.stride) * step;
  }
}
