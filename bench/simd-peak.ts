/**
 * How fast 128-bit SIMD can multiply and add at most: a WebAssembly loop over registers alone, to hold a matrix product
 * against. It is assembled here, so that no compiler stands between the loop and what is measured.
 */
/** Independent sums: enough to hide a multiply-add's latency, few enough for the 16 registers of x86-64. */
const SUMS = 12;
/** Multiply-adds to each sum in one round of the loop, so that counting rounds costs nothing. */
const UNROLLED = 8;
const LANES = 4;

export const flopsOf = (rounds: number): number => rounds * UNROLLED * SUMS * LANES * 2;

/**
 * `run(rounds, x)`: twelve sums of four lanes start with 0 … 11 and become sum + x·x (fused) or sum·x + x, eight times a
 * round; gives the total of a lane. Null where the machine has no such instructions.
 */
export function simdPeak(form: "fused" | "apart"): ((rounds: number, x: number) => number) | null {
  const bytes = assemble(form);
  if (!WebAssembly.validate(bytes)) return null;
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  if (typeof run !== "function") throw new Error("The assembled module exports no run.");
  return (rounds, x) => Number(run(rounds, x));
}

const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];
const EMPTY = 0x40;
const END = 0x0b;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
const splat = simd(0x13);
const multiply = simd(0xe6);
const add = simd(0xe4);
/** a·b + c in one instruction, rounded once where the machine has it. */
const relaxedMultiplyAdd = simd(0x105);

/** Locals: rounds, x, the factor in four lanes, the sums. */
const [ROUNDS, X, FACTOR, FIRST] = [0, 1, 2, 3];
const sums = Array.from({ length: SUMS }, (_, i) => FIRST + i);

function assemble(form: "fused" | "apart"): Uint8Array<ArrayBuffer> {
  // Fused, the sum is the addend; apart, the product must depend on the sum, or it would be computed once for all.
  const grow =
    form === "fused"
      ? (sum: number) => [...get(FACTOR), ...get(FACTOR), ...get(sum), ...relaxedMultiplyAdd, ...set(sum)]
      : (sum: number) => [...get(sum), ...get(FACTOR), ...multiply, ...get(FACTOR), ...add, ...set(sum)];
  const body = [
    ...[...get(X), ...splat, ...set(FACTOR)],
    ...sums.flatMap((sum, i) => [0x43, ...float(i), ...splat, ...set(sum)]),
    ...[0x03, EMPTY],
    ...Array.from({ length: UNROLLED }, () => sums.flatMap(grow)).flat(),
    // rounds = rounds − 1; again while it is not 0
    ...[...get(ROUNDS), 0x41, 1, 0x6b, 0x22, ROUNDS, 0x0d, 0],
    END,
    ...get(FIRST),
    ...sums.slice(1).flatMap((sum) => [...get(sum), ...add]),
    ...[...simd(0x1f), 0],
    END,
  ];
  const locals = [1, SUMS + 1, V128];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, I32, F32, 1, F32]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, ...Buffer.from("run"), 0, 0]),
    ...section(10, [1, ...sized([...locals, ...body])]),
  ]);
}

const section = (id: number, content: readonly number[]): number[] => [id, ...sized(content)];
const sized = (content: readonly number[]): number[] => [...unsigned(content.length), ...content];
const float = (value: number): number[] => [...new Uint8Array(Float32Array.of(value).buffer)];

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
