/**
 * gpu.js's WGSL for the place where it is to run.
 *
 * Sizes become constants: gpu.js reads them from a uniform buffer, of which each kernel would need one. All bindings become
 * writable: WebGPU forbids to read and to write one buffer in the same dispatch through bindings of different kinds, and
 * the temporaries of a program share a buffer. Two writable bindings must not overlap, though, so what is bound twice (an
 * operand given twice, or one updated in place) becomes one binding.
 */
import type { Translation } from "./facade.ts";

/** One dispatch of a pipeline has at most this many workgroups along a dimension, on any device. */
const MOST_GROUPS = 65_535;

export interface Dispatch {
  readonly code: string;
  readonly workgroups: readonly [number, number, number];
}

/**
 * `bindings`: for each parameter of the kernel, then for what it writes, the number of its binding; equal numbers are the
 * same memory.
 */
export function specialize(translation: Translation, output: readonly number[], bindings: readonly number[]): Dispatch {
  const { names, sizes } = translation;
  const { workgroups, width } = dispatchOf(output);
  const [x = 1, y = 1, z = 1] = output;
  const rows = sizes.map(([w = 1, h = 1, d = 1]) => `vec4<u32>(${w}u, ${h}u, ${d}u, ${w * h * d}u)`);
  const constants = [`${x}u, ${y}u, ${z}u, ${width}u`, ...rows].join(", ");
  let code = replaced(translation.code, UNIFORM, `const params = Params(${constants});`);
  const variables = [...names.map((name) => `user_${name}`), "result"];
  const declared = new Map<number, string>();
  variables.forEach((variable, i) => {
    const binding = bindings[i] ?? 0;
    const declaration = new RegExp(`@group\\(0\\) @binding\\(\\d+\\) var<storage, \\w+> ${variable} : array<f32>;`);
    const same = declared.get(binding);
    if (same === undefined) {
      declared.set(binding, variable);
      code = replaced(
        code,
        declaration,
        `@group(0) @binding(${binding}) var<storage, read_write> ${variable} : array<f32>;`,
      );
    } else {
      code = replaced(code, declaration, "").replaceAll(new RegExp(`\\b${variable}\\b`, "g"), same);
    }
  });
  return { code, workgroups };
}

const UNIFORM = "@group(0) @binding(0) var<uniform> params : Params;";

function replaced(code: string, what: string | RegExp, by: string): string {
  const changed = code.replace(what, () => by);
  if (changed === code) throw new Error(`gpu.js's WGSL is not as expected: there is no ${what} in it.\n${code}`);
  return changed;
}

/** As gpu.js's kernels count their threads: rows of 64, folded where they are too many, else squares of 8 × 8. */
function dispatchOf(output: readonly number[]): Pick<Dispatch, "workgroups"> & { readonly width: number } {
  const [x = 1, y = 1, z = 1] = output;
  if (output.length > 1) return { workgroups: [Math.ceil(x / 8), Math.ceil(y / 8), z], width: 0 };
  const groups = Math.ceil(x / 64);
  const folds = Math.ceil(groups / MOST_GROUPS);
  const across = Math.ceil(groups / folds);
  return { workgroups: [across, folds, 1], width: across * 64 };
}
