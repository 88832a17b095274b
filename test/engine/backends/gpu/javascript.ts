/**
 * Runs passes as the JavaScript that they also are, and watches what they read: gpu.js would give any value for an index
 * outside of an array, and whichever of two values for a word that another thread writes.
 */
import type { Lowering, Operand, Pass } from "../../../../src/engine/backends/gpu/lowering.ts";

type Kernel = (
  this: { readonly thread: Record<"x" | "y" | "z", number> },
  ...arrays: Float32Array[]
) => number | number[];

/** `buffers` are the operands. Throws on the first read that is wrong. */
export function runAsJavaScript({ temporaries = [], passes }: Lowering, buffers: readonly Float32Array[]): void {
  const scratch = temporaries.map((words) => new Float32Array(words));
  const find = (at: Operand): Float32Array => ("operand" in at ? buffers[at.operand]! : side(scratch, at));
  for (const pass of passes) runPass(pass, pass.reads.map(find), find(pass.writes));
}

/** Temporaries that lie side by side, each from a multiple of 64 words on. */
function side(scratch: readonly Float32Array[], { temporary, through }: { temporary: number; through?: number }) {
  if (through === undefined) return scratch[temporary]!;
  const parts = scratch.slice(temporary, through + 1);
  const stride = Math.ceil(parts[0]!.length / 64) * 64;
  const all = new Float32Array(stride * (parts.length - 1) + parts.at(-1)!.length);
  for (const [i, part] of parts.entries()) all.set(part, i * stride);
  return all;
}

function runPass(pass: Pass, reads: readonly Float32Array[], to: Float32Array): void {
  const { output, components = 1 } = pass;
  const [width, height = 1, depth = 1] = output;
  const helpers = (pass.functions ?? []).map(({ source }) => source).join("\n");
  const kernel = new Function(`"use strict"; ${helpers}\nreturn ${pass.source};`)() as Kernel;
  let own = 0;
  const watched = reads.map((array) => watch(array, array === to, pass, () => own));
  const results = new Float32Array(width * height * depth * components);
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, own += components) {
        const result = kernel.call({ thread: { x, y, z } }, ...watched);
        results.set(typeof result === "number" ? [result] : result, own);
      }
    }
  }
  to.set(results);
}

function watch(array: Float32Array, inPlace: boolean, pass: Pass, own: () => number): Float32Array {
  return new Proxy(array, {
    get(target, key) {
      const i = Number(key);
      const complain = (what: string): never => {
        throw new Error(`A kernel reads word ${String(key)} of ${target.length}${what}:\n${pass.source}`);
      };
      if (!Number.isInteger(i) || i < 0 || i >= target.length) complain("");
      if (inPlace && (i < own() || i >= own() + (pass.components ?? 1))) complain(", which another thread writes");
      return target[i];
    },
  });
}
