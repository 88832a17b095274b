/**
 * gpu.js and Dawn, typed as this project uses them. The only file that loads either, and it loads them when asked to: a
 * machine on which they can't run gets an {@link UnavailableError} instead, once somebody wants a GPU.
 *
 * Nothing runs in another mode than the one asked for: gpu.js would rather run slowly than not at all, so every kernel is
 * asked what it has become.
 */
import { createRequire } from "node:module";
import type { DeviceFacts, GpuMode } from "./executor.ts";
import { UnavailableError } from "./gpu-errors.ts";
import type { Pass } from "./lowering.ts";

/** What gpu.js takes for `functions`. */
interface GpuJsFunction {
  readonly source: string;
  readonly settings: { readonly argumentTypes: readonly string[]; readonly returnType: string };
}

interface KernelSettings {
  readonly output: readonly number[];
  readonly functions: readonly GpuJsFunction[];
  readonly loopMaxIterations: number;
}

interface Built {
  readonly constructor: { readonly mode: string };
  readonly fallbackReason?: string | null;
}

/** What a kernel returns on the CPU: rows of rows, as deep as its output has dimensions, all in one buffer. */
type Rows = Float32Array | readonly Rows[];

interface CallableKernel {
  (...args: readonly unknown[]): Rows | Promise<Rows>;
  readonly kernel: Built;
  destroy(): void;
}

interface WgslKernel extends Built {
  build(...args: readonly unknown[]): Promise<unknown>;
  readonly compiledSource: string;
  readonly argumentNames: readonly string[];
}

interface GpuContext {
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
}

interface GpuJs {
  readonly GPU: new (settings: {
    mode: GpuMode;
  }) => {
    createKernel(source: string, settings: KernelSettings): CallableKernel;
  };
  readonly WebGPUContext: { acquire(): Promise<GpuContext> };
  readonly WebGPUKernel: new (source: string, settings: KernelSettings) => WgslKernel;
  input(values: { readonly length: number }, size: readonly number[]): unknown;
}

/** More than any loop needs: gpu.js cuts loops that it does not understand at this many rounds, without a word. */
const NEVER_CUT = 1 << 28;

function loadGpuJs(): GpuJs {
  // Its own typings know neither WebGPU kernels nor contexts; this is what they are.
  return createRequire(import.meta.url)("gpu.js");
}

/** A kernel that runs at once, in this thread: takes what it reads, returns what it writes. */
export interface WebasmKernel {
  run(reads: readonly Float32Array[]): Float32Array;
  destroy(): void;
}

export interface Webasm {
  readonly facts: DeviceFacts;
  /** `words`: how long each of the arrays is that the kernel reads. */
  createKernel(pass: Pass, words: readonly number[]): WebasmKernel;
}

export function openWebasm(): Webasm {
  const { GPU, input } = loadGpuJs();
  const gpu = new GPU({ mode: "webasm" });
  return {
    facts: { mode: "webasm", adapter: "gpu.js in WebAssembly", driver: "none", maxBufferBytes: 2 ** 31 },
    createKernel(pass, words) {
      const kernel = gpu.createKernel(pass.source, settingsOf(pass));
      const sizes = sizesOf(pass, words);
      return {
        run(reads) {
          const result = kernel(...reads.map((values, i) => input(values, sizes[i] ?? [values.length])));
          assertMode(kernel.kernel, "webasm");
          if (result instanceof Promise) throw new Error("gpu.js has made an asynchronous kernel in mode webasm.");
          return flat(result, wordsWritten(pass));
        },
        destroy: () => kernel.destroy(),
      };
    },
  };
}

export interface Webgpu {
  readonly facts: DeviceFacts;
  readonly device: GPUDevice;
  /** The WGSL that gpu.js makes of a pass's kernel. */
  translate(pass: Pass, words: readonly number[]): Translation;
}

export interface Translation {
  readonly code: string;
  /** The kernel's parameters, in the order of `reads`. */
  readonly names: readonly string[];
  /** As gpu.js takes them: [width, height, depth] of each array read. */
  readonly sizes: readonly (readonly number[])[];
}

export interface WebgpuOptions {
  /** Dawn's: `backend=vulkan`, say, or `backend=null` for a device that compiles kernels and never runs them. */
  readonly flags?: readonly string[];
  /** Whether to compute something on the device before it is trusted; true, unless kernels are only to be compiled. */
  readonly selfTest?: boolean;
}

/** Opens this thread's GPU. Throws UnavailableError. */
export async function openWebgpu({ flags = [], selfTest = true }: WebgpuOptions = {}): Promise<Webgpu> {
  await installNavigator(flags);
  const { GPU, WebGPUContext, WebGPUKernel, input } = loadGpuJs();
  const { adapter, device } = await WebGPUContext.acquire().catch((cause: unknown) => {
    throw new UnavailableError(`No GPU answers to WebGPU on this machine. ${ADVICE}`, { cause });
  });
  const { vendor, architecture, device: name, description } = adapter.info;
  const facts: DeviceFacts = {
    mode: "webgpu",
    adapter: [vendor, name || architecture].filter(Boolean).join(" ") || "unknown",
    driver: description || "unknown",
    maxBufferBytes: Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize),
  };
  if (selfTest) await computeSomething(new GPU({ mode: "webgpu" }), input, facts);

  /** gpu.js translates at once and compiles afterwards; here its WGSL is compiled for the place where it is to run. */
  class Translator extends WebGPUKernel {
    _buildAsync(): Promise<void> {
      return Promise.resolve();
    }
  }
  return {
    facts,
    device,
    translate(pass, words) {
      const kernel = new Translator(pass.source, settingsOf(pass));
      const sizes = sizesOf(pass, words);
      // Of what is read it wants to know the sizes alone.
      kernel.build(...sizes.map((size) => input({ length: product(size) }, size)));
      assertMode(kernel, "webgpu");
      return { code: kernel.compiledSource, names: kernel.argumentNames, sizes };
    },
  };
}

const ADVICE =
  "Needed are the npm package webgpu (`npm install --include=optional`), a driver for the GPU and, on Linux, the Vulkan " +
  'loader (Debian: libvulkan1). Without them use device "cpu".';

/**
 * Workgroup memory is not cleared first: kernels in tiles fill theirs before they read it, and to clear it costs time on
 * every GPU, and on software seconds for each kernel that is compiled.
 */
const UNCLEARED = "enable-dawn-features=disable_workgroup_init";

/** Dawn must not be collected while anything of it is in use: the process keeps it. */
let dawn: { readonly flags: string; readonly gpu: unknown } | undefined;

async function installNavigator(flags: readonly string[]): Promise<void> {
  if (dawn?.flags === flags.join()) return;
  const { create } = await import("webgpu").catch((cause: unknown) => {
    throw new UnavailableError(`WebGPU can't be loaded on this machine. ${ADVICE}`, { cause });
  });
  dawn = { flags: flags.join(), gpu: create([...flags, UNCLEARED]) };
  Object.defineProperty(globalThis.navigator, "gpu", { value: dawn.gpu, configurable: true });
}

/** An adapter may answer and compute nothing, as Dawn's null backend does. */
async function computeSomething(
  gpu: InstanceType<GpuJs["GPU"]>,
  input: GpuJs["input"],
  facts: DeviceFacts,
): Promise<void> {
  const source = "function (a) { let s = 0; for (let i = 0; i < 8; i++) { s += a[this.thread.x * 8 + i]; } return s; }";
  const kernel = gpu.createKernel(source, { output: [64], functions: [], loopMaxIterations: NEVER_CUT });
  const values = Float32Array.from({ length: 512 }, (_, i) => (i * 7) % 31);
  const got = flat(await kernel(input(values, [512])), 64);
  assertMode(kernel.kernel, "webgpu");
  const right = got.every((sum, x) => sum === values.subarray(8 * x, 8 * x + 8).reduce((a, b) => a + b, 0));
  if (right) return;
  throw new UnavailableError(
    `The adapter "${facts.adapter}" (${facts.driver}) answers to WebGPU, but does not compute: a sum of eight numbers was wrong. ${ADVICE}`,
  );
}

function assertMode({ constructor: { mode }, fallbackReason }: Built, wanted: GpuMode): void {
  if (mode === wanted) return;
  throw new Error(
    `gpu.js ran a kernel in mode ${mode} instead of ${wanted}: ${fallbackReason ?? "it gives no reason"}.`,
  );
}

function settingsOf({ output, functions = [] }: Pass): KernelSettings {
  return {
    output,
    functions: functions.map(({ source, ...settings }) => ({ source, settings })),
    loopMaxIterations: NEVER_CUT,
  };
}

function sizesOf(pass: Pass, words: readonly number[]): (readonly number[])[] {
  return pass.reads.map(({ size }, i) => size ?? [words[i] ?? 0]);
}

/** The words that a pass writes. */
export function wordsWritten({ output, components }: Pass): number {
  return product(output) * (components ?? 1);
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}

function flat(rows: Rows, words: number): Float32Array {
  let first = rows;
  while (!(first instanceof Float32Array)) {
    const [next] = first;
    if (next === undefined) throw new Error("gpu.js has returned an empty result.");
    first = next;
  }
  return new Float32Array(first.buffer, first.byteOffset, words);
}
