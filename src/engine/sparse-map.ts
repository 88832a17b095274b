/** SparseMap: a constant sparse matrix, for ops that are linear along one dimension. */
import type { Device } from "./device.ts";
import { Tensor } from "./tensor.ts";

/** One term of a row: which element is read, and its weight. */
export type Term = readonly [element: number, weight: number];

/** The matrix on a device, row by row: terms start[r] … start[r + 1] − 1 are those of row r. */
export interface StoredMap {
  readonly start: Tensor;
  readonly column: Tensor;
  readonly weight: Tensor;
}

/**
 * Maps `length` elements to `rows.length`, each a sum of weighted elements. Make it once and keep it: its values are
 * written to the device at the first use, and a captured step holds their addresses.
 */
export class SparseMap {
  readonly length: number;
  readonly rows: readonly (readonly Term[])[];
  #stored: StoredMap | null = null;
  #transposed: SparseMap | null = null;

  constructor(length: number, rows: readonly (readonly Term[])[]) {
    this.length = length;
    this.rows = rows;
  }

  on(device: Device): StoredMap {
    if (this.#stored?.start.device === device) return this.#stored;
    const terms = this.rows.flat();
    const start = new Int32Array(this.rows.length + 1);
    this.rows.forEach((row, r) => {
      start[r + 1] = (start[r] ?? 0) + row.length;
    });
    const columns = Int32Array.from(terms, ([element]) => element);
    const weights = Float32Array.from(terms, ([, weight]) => weight);
    this.#stored = {
      start: new Tensor(device.store(start), [start.length], "int32"),
      column: new Tensor(device.store(columns), [columns.length], "int32"),
      weight: new Tensor(device.store(weights), [weights.length]),
    };
    return this.#stored;
  }

  /** The gradient's map. */
  get transposed(): SparseMap {
    if (this.#transposed) return this.#transposed;
    const columns: Term[][] = Array.from({ length: this.length }, () => []);
    this.rows.forEach((row, r) => {
      for (const [element, weight] of row) columns[element]?.push([r, weight]);
    });
    this.#transposed = new SparseMap(this.rows.length, columns);
    this.#transposed.#transposed = this;
    return this.#transposed;
  }
}

/** The maps of one kind, one for each length that they meet. */
export class SparseMaps {
  readonly #build: (length: number) => readonly (readonly Term[])[];
  readonly #made = new Map<number, SparseMap>();

  constructor(build: (length: number) => readonly (readonly Term[])[]) {
    this.#build = build;
  }

  for(length: number): SparseMap {
    const known = this.#made.get(length);
    if (known) return known;
    const made = new SparseMap(length, this.#build(length));
    this.#made.set(length, made);
    return made;
  }
}
