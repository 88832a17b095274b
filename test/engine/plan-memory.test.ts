/** The layout of a captured step's temporaries. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Command, DeviceBuffer } from "../../src/engine/backend.ts";
import { instructions } from "../../src/engine/instructions.ts";
import { planMemory } from "../../src/engine/plan-memory.ts";

/** A chain: command i reads some earlier results and writes the next. */
const programs = fc
  .array(fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), reads: fc.array(fc.nat(), { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    const buffers: DeviceBuffer[] = steps.map(({ bytes }, i) => ({ address: i * 8192, bytes }));
    const commands: Command[] = steps.map(({ reads }, i) => {
      const inputs = i === 0 ? [] : reads.map((r) => buffers[r % i]).filter((b) => b !== undefined);
      const out = buffers[i];
      return { instruction: instructions.copy, buffers: out ? [out, ...inputs] : inputs, params: [1] };
    });
    return { buffers, commands };
  });

test("buffers that are alive together never overlap, and all lie within the arena", () => {
  fc.assert(
    fc.property(programs, ({ buffers, commands }) => {
      const plan = planMemory(commands, new Set(buffers), false);
      const placed = plan.place({ address: 0, bytes: plan.bytes });
      const spans = buffers.map((buffer) => {
        const uses = commands.flatMap((command, at) => (command.buffers.includes(buffer) ? [at] : []));
        const at = placed[uses[0] ?? 0]?.buffers[commands[uses[0] ?? 0]?.buffers.indexOf(buffer) ?? 0];
        return {
          start: at?.address ?? 0,
          end: (at?.address ?? 0) + buffer.bytes,
          first: uses[0] ?? 0,
          last: uses.at(-1) ?? 0,
        };
      });
      for (const a of spans) {
        expect(a.end).toBeLessThanOrEqual(plan.bytes);
        for (const b of spans) {
          const together = a !== b && a.first <= b.last && b.first <= a.last;
          if (together) expect(a.end <= b.start || b.end <= a.start).toBe(true);
        }
      }
    }),
  );
});

test("a chain of equal buffers needs two places, however long it is", () => {
  const buffers = Array.from({ length: 20 }, (_, i) => ({ address: i, bytes: 1024 }));
  const commands = buffers
    .slice(1)
    .map((buffer, i) => ({ instruction: instructions.copy, buffers: [buffer, buffers[i] ?? buffer], params: [256] }));
  expect(planMemory(commands, new Set(buffers), false).bytes).toBe(2048);
});

test("persistent buffers stay where they are", () => {
  const weights = { address: 4096, bytes: 64 };
  const out = { address: 0, bytes: 64 };
  const commands = [{ instruction: instructions.copy, buffers: [out, weights], params: [16] }];
  const [placed] = planMemory(commands, new Set([out]), true).place({ address: 9000, bytes: 64 });
  expect(placed?.buffers).toEqual([{ address: 9000, bytes: 64 }, weights]);
});

test("an elementwise result lies where an operand lay that is not needed again", () => {
  const [x, y, z] = [1, 2, 3].map((address) => ({ address, bytes: 1024 }));
  if (!x || !y || !z) throw new Error("three buffers");
  const flat = [1, 256, 1, 1, 1, 1, 1];
  const along = [1, 0, 0, 0, 0, 0];
  const commands = (strides: number[]): Command[] => [
    { instruction: instructions.fill, buffers: [x], params: [256, 1] },
    { instruction: instructions.exp, buffers: [y, x], params: [256] },
    { instruction: instructions.mul, buffers: [z, y, y], params: [...flat, ...along, ...strides] },
  ];
  const bytes = (strides: number[], inPlace: boolean): number =>
    planMemory(commands(strides), new Set([x, y, z]), inPlace).bytes;
  expect(bytes(along, true)).toBe(1024);
  expect(bytes(along, false)).toBe(2048);
  // One element of y for all of z: writing z would overwrite it.
  expect(bytes([0, 0, 0, 0, 0, 0], true)).toBe(2048);
});

test("of very many buffers, too, none is written over while it is needed", () => {
  const count = 6000;
  const buffers = Array.from({ length: count }, (_, i) => ({ address: i, bytes: 4 + ((i * 7919) % 3000) }));
  const at = (i: number): DeviceBuffer => buffers[Math.max(0, i)] ?? { address: 0, bytes: 0 };
  const commands = buffers.map((out, i) => ({
    instruction: instructions.add,
    buffers: [out, at(i - 1), at(i - ((i * 31) % 200))],
    params: [2],
  }));
  const plan = planMemory(commands, new Set(buffers), false);
  const bytes = buffers.reduce((sum, buffer) => sum + buffer.bytes, 0);
  expect(plan.bytes).toBeLessThan(bytes / 10);
  // Which buffer holds each stretch of 256 bytes: to be the one that is read.
  const holders = new Array<number>(Math.ceil(plan.bytes / 256));
  for (const [i, { buffers: placed }] of plan.place({ address: 0, bytes: plan.bytes }).entries()) {
    const originals = commands[i]?.buffers ?? [];
    for (const [k, { address, bytes: length }] of [...placed.entries()].reverse()) {
      const [from, to] = [address / 256, Math.ceil((address + length) / 256)];
      const wanted = originals[k]?.address ?? -1;
      if (k === 0) holders.fill(wanted, from, to);
      else if (wanted !== i) expect(new Set(holders.slice(from, to))).toEqual(new Set([wanted]));
    }
  }
});
