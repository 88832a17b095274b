/**
 * The CPU backend of a trainer thread, kept from job to job as long as it is small: memory that the machine has yet to give costs a
 * small job more than all else beside its steps.
 */
import { createWasmBackend, type WasmBackend } from "../engine/index.ts";

/** One whose jobs had more at a time is given up, with all its memory. */
const MOST_BYTES = 16 * 2 ** 20;

type Numerics = "fast" | "strict";

export class WarmBackend {
  readonly #threads: number;
  #kept: { readonly backend: WasmBackend; readonly numerics: Numerics } | null = null;

  /** `threads`: see WasmBackendOptions. */
  constructor(threads: number) {
    this.#threads = threads;
  }

  /** For whoever takes it alone, until it is given back. */
  async take(numerics: Numerics): Promise<WasmBackend> {
    const kept = this.#kept;
    this.#kept = null;
    if (kept?.numerics === numerics) return kept.backend;
    kept?.backend.dispose();
    return createWasmBackend({ numerics, threads: this.#threads });
  }

  giveBack(backend: WasmBackend, numerics: Numerics): void {
    if (this.#kept || !backend.isUnused || backend.memory.peak > MOST_BYTES) backend.dispose();
    else this.#kept = { backend, numerics };
  }
}
