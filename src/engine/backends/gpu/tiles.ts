/**
 * Products in WGSL through workgroup memory, which gpu.js has no words for: a group of threads computes a tile of the
 * result, and each of its threads several rows and columns of it, so that a value is read from memory once for many
 * products. (The classic scheme: Volkov and Demmel, "Benchmarking GPUs to tune dense linear algebra", 2008.)
 */
import type { HandWritten } from "./lowering.ts";

/** out[batch, row, column] = Σ a(row, deep)·b(deep, column), where the factors may lie anywhere, or be computed. */
export interface TiledSum {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  /** Names of the bindings that are read, in order; `out` follows them. */
  readonly reads: readonly string[];
  /** WGSL: `fn a_at(batch : u32, row : u32, deep : u32) -> f32` and `fn b_at(batch : u32, column : u32, deep : u32) -> f32`. */
  readonly functions: string;
  /** Whether neighbours in the direction of k lie side by side, so that neighbouring threads load those. */
  readonly deepFirst: { readonly a: boolean; readonly b: boolean };
  /** WGSL added to a result, given its batch, row and column. */
  readonly plus?: (batch: string, row: string, column: string) => string;
}

/** Sides of the tile and of a thread's part of it, and how much of k is in workgroup memory at a time. */
interface Tiling {
  readonly side: number;
  readonly part: number;
  readonly depth: number;
}

/** Larger tiles read less, smaller ones keep more of the GPU busy. All have 256 threads, and at most 16 KiB. */
const TILINGS: readonly Tiling[] = [
  { side: 128, part: 8, depth: 8 },
  { side: 64, part: 4, depth: 16 },
  { side: 32, part: 2, depth: 32 },
];
const THREADS = 256;
/** Tiles that keep a large GPU busy, which has some 130 multiprocessors. */
const ENOUGH_TILES = 256;
/** Below this a tile would be mostly empty: a thread for every four results is better. */
const SMALLEST_SIDE = 16;
/** WebGPU's limit to workgroups along a dimension. */
const MOST_GROUPS = 65_535;

/** Undefined where a plain kernel does as well. */
export function tiled(sum: TiledSum): HandWritten | undefined {
  const { m, n, k, batch } = sum;
  if (Math.min(m, n) < SMALLEST_SIDE || k < 4) return undefined;
  const tiles = (side: number): [number, number, number] => [Math.ceil(n / side), Math.ceil(m / side), batch];
  const enough = ({ side }: Tiling): boolean => tiles(side).reduce((count, along) => count * along, 1) >= ENOUGH_TILES;
  const tiling = TILINGS.find(enough) ?? TILINGS.at(-1);
  if (!tiling) return undefined;
  const workgroups = tiles(tiling.side);
  return workgroups.some((count) => count > MOST_GROUPS) ? undefined : { code: codeOf(sum, tiling), workgroups };
}

function codeOf({ m, n, k, reads, functions, deepFirst, plus }: TiledSum, { side, part, depth }: Tiling): string {
  const across = side / part;
  // A few words more in a row, so that threads which store a column do not all meet in one bank.
  const row = side + 4;
  const each = (count: number, text: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => text(i)).join("\n");
  const loads = (side * depth) / THREADS;
  const load = (factor: "a" | "b", origin: string, width: number): string =>
    each(loads, (i) => {
      const split = deepFirst[factor]
        ? `let d = e % ${depth}u; let s = e / ${depth}u;`
        : `let d = e / ${side}u; let s = e % ${side}u;`;
      const checks = [
        ...(width % side === 0 ? [] : [`${origin} + s < ${width}u`]),
        ...(k % depth === 0 ? [] : [`start + d < ${k}u`]),
      ];
      const value = `${factor}_at(group.z, ${origin} + s, start + d)`;
      const checked = `var v = 0.0; if (${checks.join(" && ")}) { v = ${value}; }`;
      const loaded = checks.length === 0 ? `let v = ${value};` : checked;
      return `{ let e = local + ${i * THREADS}u; ${split} ${loaded} tile_${factor}[d * ${row}u + s] = v; }`;
    });
  const store = (i: number, j: number): string => {
    const line = `top + ty + ${i * across}u`;
    const column = `left + tx + ${j * across}u`;
    const checks = [...(m % side === 0 ? [] : [`${line} < ${m}u`]), ...(n % side === 0 ? [] : [`${column} < ${n}u`])];
    const added = plus ? ` + ${plus("group.z", `(${line})`, `(${column})`)}` : "";
    const statement = `out[base_out + (${line}) * ${n}u + ${column}] = sum_${i}_${j}${added};`;
    return checks.length === 0 ? statement : `if (${checks.join(" && ")}) { ${statement} }`;
  };
  const bindings = [...reads, "out"].map(
    (name, i) => `@group(0) @binding(${i}) var<storage, read_write> ${name} : array<f32>;`,
  );
  return `
${bindings.join("\n")}
var<workgroup> tile_a : array<f32, ${row * depth}>;
var<workgroup> tile_b : array<f32, ${row * depth}>;
${functions}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group : vec3<u32>, @builtin(local_invocation_index) local : u32) {
let left = group.x * ${side}u;
let top = group.y * ${side}u;
let base_out = group.z * ${m * n}u;
let tx = local % ${across}u;
let ty = local / ${across}u;
${each(part, (i) => each(part, (j) => `var sum_${i}_${j} = 0.0;`))}
for (var start = 0u; start < ${k}u; start += ${depth}u) {
${load("a", "top", m)}
${load("b", "left", n)}
workgroupBarrier();
for (var d = 0u; d < ${depth}u; d++) {
let at = d * ${row}u;
${each(part, (j) => `let b_${j} = tile_b[at + tx + ${j * across}u];`)}
${each(part, (i) => `{ let v = tile_a[at + ty + ${i * across}u];\n${each(part, (j) => `sum_${i}_${j} += v * b_${j};`)} }`)}
}
workgroupBarrier();
}
${each(part, (i) => each(part, (j) => store(i, j)))}
}`;
}
