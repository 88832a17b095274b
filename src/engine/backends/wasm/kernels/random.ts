// Random numbers from Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). The state is
// [key0, key1, stream, counter], two int32 halves each; element i of a call takes word i % 4 of the block
// [i >> 2, counter, stream, 0].
import { Log } from "./exponential";
import { Lanes } from "./lanes";
import { Turn } from "./trigonometry";

const M0: u32 = 0xd2511f53;
const M1: u32 = 0xcd9e8d57;
const W0: u32 = 0x9e3779b9;
const W1: u32 = 0xbb67ae85;
/** The same, to be loaded into all lanes. */
const CONSTANTS: usize = memory.data<u32>([M0, M1, W0, W1]);

/** Runs `F.apply(words, a, b)` over the blocks of one call, from `block` on; then the state moves on. */
function draw<F>(out: usize, state: usize, n: i32, block: u32, a: v128, b: v128): void {
  for (; n >= 16; n -= 16, out += 64, block += 4) {
    // Four blocks at once, one in each lane.
    let c0 = i32x4.add(i32x4.splat(block), i32x4(0, 1, 2, 3));
    let c1 = i32x4.splat(State.word(state, 3));
    let c2 = i32x4.splat(State.word(state, 2));
    let c3 = i32x4.splat(0);
    let key0 = i32x4.splat(State.word(state, 0));
    let key1 = i32x4.splat(State.word(state, 1));
    for (let round = 0; round < 10; ++round) {
      const m0 = Lanes.entry(CONSTANTS, 0);
      const m1 = Lanes.entry(CONSTANTS, 1);
      const low0 = i64x2.extmul_low_i32x4_u(c0, m0);
      const high0 = i64x2.extmul_high_i32x4_u(c0, m0);
      const low1 = i64x2.extmul_low_i32x4_u(c2, m1);
      const high1 = i64x2.extmul_high_i32x4_u(c2, m1);
      c0 = v128.xor(v128.xor(v128.shuffle<i32>(low1, high1, 1, 3, 5, 7), c1), key0);
      c1 = v128.shuffle<i32>(low1, high1, 0, 2, 4, 6);
      c2 = v128.xor(v128.xor(v128.shuffle<i32>(low0, high0, 1, 3, 5, 7), c3), key1);
      c3 = v128.shuffle<i32>(low0, high0, 0, 2, 4, 6);
      key0 = i32x4.add(key0, Lanes.entry(CONSTANTS, 2));
      key1 = i32x4.add(key1, Lanes.entry(CONSTANTS, 3));
    }
    const c01 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5);
    const c23 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5);
    const d01 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
    const d23 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
    v128.store(out, changetype<F>(0).apply(v128.shuffle<i64>(c01, c23, 0, 2), a, b));
    v128.store(out, changetype<F>(0).apply(v128.shuffle<i64>(c01, c23, 1, 3), a, b), 16);
    v128.store(out, changetype<F>(0).apply(v128.shuffle<i64>(d01, d23, 0, 2), a, b), 32);
    v128.store(out, changetype<F>(0).apply(v128.shuffle<i64>(d01, d23, 1, 3), a, b), 48);
  }
  for (; n > 0; n -= 4, out += 16) {
    Lanes.storeColumns(out, 0, n, changetype<F>(0).apply(State.block(state, block++), a, b));
  }
  State.advance(state);
}

class State {
  @inline static block(state: usize, index: u32): v128 {
    return philox(index, State.word(state, 3), State.word(state, 2), State.word(state, 0), State.word(state, 1));
  }
  /** Word i, from its lower and its upper half. */
  @inline static word(state: usize, i: usize): u32 {
    return load<u32>(state + (i << 3)) | (load<u32>(state + (i << 3), 4) << 16);
  }
  /** The next call draws other numbers. */
  @inline static advance(state: usize): void {
    const counter = State.word(state, 3) + 1;
    store<u32>(state, counter & 0xffff, 24);
    store<u32>(state, counter >>> 16, 28);
  }
}

/** Ten rounds over the counter [c0, c1, c2, 0]: one block. */
function philox(c0: u32, c1: u32, c2: u32, key0: u32, key1: u32): v128 {
  let c3: u32 = 0;
  for (let round = 0; round < 10; ++round) {
    const product0 = <u64>c0 * M0;
    const product1 = <u64>c2 * M1;
    c0 = <u32>(product1 >> 32) ^ c1 ^ key0;
    c1 = <u32>product1;
    c2 = <u32>(product0 >> 32) ^ c3 ^ key1;
    c3 = <u32>product0;
    key0 += W0;
    key1 += W1;
  }
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(c0), 1, c1), 2, c2), 3, c3);
}

class Unit {
  /** The upper 24 bits of each word as a number in [0, 1). */
  @inline static of(words: v128): v128 {
    return f32x4.mul(Unit.digits(words), f32x4.splat(5.9604644775390625e-8));
  }
  /** The same times 2²⁴. As 24 bits have no sign, the conversion of signed numbers will do: it is one operation. */
  @inline static digits(words: v128): v128 {
    return f32x4.convert_i32x4_s(i32x4.shr_u(words, 8));
  }
}

@unmanaged
class Uniform {
  @inline apply(words: v128, low: v128, range: v128): v128 {
    return f32x4.add(low, f32x4.mul(Unit.of(words), range));
  }
}
export function randomUniform(out: usize, state: usize, n: i32, low: f32, high: f32): void {
  draw<Uniform>(out, state, n, 0, f32x4.splat(low), f32x4.splat(high - low));
}

/** Box and Muller: words 0 and 1 give elements 0 and 1, words 2 and 3 give elements 2 and 3. */
@unmanaged
class Normal {
  @inline apply(words: v128, mean: v128, std: v128): v128 {
    const u = Unit.of(words);
    // 1 − u is in (0, 1], where the logarithm is finite.
    const logs = changetype<Log>(0).apply(f32x4.sub(f32x4.splat(1), u));
    const lengths = f32x4.sqrt(f32x4.mul(f32x4.splat(-2), logs));
    const length = v128.shuffle<i32>(lengths, lengths, 0, 0, 2, 2);
    const turns = Turn.cosSin(Lanes.low(v128.shuffle<i32>(u, u, 1, 3, 1, 3)));
    return f32x4.add(mean, f32x4.mul(std, f32x4.mul(length, turns)));
  }
}
export function randomNormal(out: usize, state: usize, n: i32, mean: f32, std: f32): void {
  draw<Normal>(out, state, n, 0, f32x4.splat(mean), f32x4.splat(std));
}

@unmanaged
class Dropout {
  @inline apply(words: v128, p: v128, scale: v128): v128 {
    return v128.and(f32x4.ge(Unit.digits(words), p), scale);
  }
}
export function dropoutMask(out: usize, state: usize, n: i32, p: f32): void {
  dropoutMaskPart(out, state, n, p, 0);
}
export function dropoutMaskPart(out: usize, state: usize, n: i32, p: f32, block: i32): void {
  draw<Dropout>(out, state, n, block, f32x4.splat(p * 16777216), f32x4.splat(p < 1 ? 1 / (1 - p) : 0));
}

/** Fisher–Yates from the top: element i changes places with one of 0…i, chosen by word i. */
export function randomPermutation(out: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; ++i) store<i32>(out + ((<usize>i) << 2), i);
  let words = i32x4.splat(0);
  for (let i = n - 1; i > 0; --i) {
    if ((i & 3) == 3 || i == n - 1) words = State.block(state, i >> 2);
    const j = <i32>((<u64>wordAt(words, i & 3) * <u64>(i + 1)) >> 32);
    const a = out + ((<usize>i) << 2);
    const b = out + ((<usize>j) << 2);
    const kept = load<i32>(a);
    store<i32>(a, load<i32>(b));
    store<i32>(b, kept);
  }
  State.advance(state);
}

function wordAt(words: v128, lane: i32): u32 {
  if (lane == 0) return i32x4.extract_lane(words, 0);
  if (lane == 1) return i32x4.extract_lane(words, 1);
  if (lane == 2) return i32x4.extract_lane(words, 2);
  return i32x4.extract_lane(words, 3);
}
