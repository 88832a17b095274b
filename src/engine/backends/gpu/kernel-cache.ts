/** Kernels by what they compute: equal passes on equally long arrays share one, whichever command they belong to. */
import type { Pass } from "./lowering.ts";

export class KernelCache<Kernel> {
  readonly #kernels = new Map<string, Kernel>();
  readonly #kept: number;
  readonly #dispose: (kernel: Kernel) => void;
  /** Passes come from a cache themselves, so most are met again: their text need not be put together each time. */
  readonly #texts = new WeakMap<Pass, string>();

  /** Keeps the `kept` kernels that were wanted last. */
  constructor(kept: number, dispose: (kernel: Kernel) => void) {
    this.#kept = kept;
    this.#dispose = dispose;
  }

  /** The kernel of this pass where its arrays have these words; `variant` tells those apart that differ in more. */
  get(pass: Pass, words: readonly number[], create: () => Kernel, variant = ""): Kernel {
    const key = `${words.join()}|${variant}|${this.#text(pass)}`;
    const found = this.#kernels.get(key);
    // Met again: the last to be given up.
    if (found !== undefined) this.#kernels.delete(key);
    else this.#makeRoom();
    const kernel = found ?? create();
    this.#kernels.set(key, kernel);
    return kernel;
  }

  clear(): void {
    for (const kernel of this.#kernels.values()) this.#dispose(kernel);
    this.#kernels.clear();
  }

  #makeRoom(): void {
    for (const [key, kernel] of this.#kernels) {
      if (this.#kernels.size < this.#kept) return;
      this.#kernels.delete(key);
      this.#dispose(kernel);
    }
  }

  #text(pass: Pass): string {
    const known = this.#texts.get(pass);
    if (known !== undefined) return known;
    const { source, functions, output, components, reads, wgsl } = pass;
    const text = JSON.stringify([source, functions, output, components, reads.map(({ size }) => size), wgsl]);
    this.#texts.set(pass, text);
    return text;
  }
}
