/** Updates of lasting buffers move up to where their operands are ready, and nothing else changes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { advanceUpdates } from "../../src/engine/advance-updates.ts";
import type { Command, DeviceBuffer } from "../../src/engine/backend.ts";
import { type InstructionName, instructions } from "../../src/engine/instructions.ts";

const buffer = (): DeviceBuffer => ({ address: 0, bytes: 4 });
const command = (name: InstructionName, ...buffers: DeviceBuffer[]): Command => ({
  instruction: instructions[name],
  buffers,
  params: [],
});
const names = (commands: readonly Command[]): string[] => commands.map(({ instruction }) => instruction.name);

test("an optimizer's update comes as soon as the gradient is known and the weight was last used", () => {
  const [w, x, y, g, dw, dx, rate, step] = [
    buffer(),
    buffer(),
    buffer(),
    buffer(),
    buffer(),
    buffer(),
    buffer(),
    buffer(),
  ];
  const commands = [
    command("linear", y, x, w, w),
    command("matmul", dw, g, x),
    command("matmul", dx, g, w),
    command("sum", x, dx),
    command("setRate", rate, step, step),
    command("sgd", w, w, step, dw, rate),
  ];
  const moved = advanceUpdates(commands, new Set([x, y, g, dw, dx]));
  expect(names(moved)).toEqual(["setRate", "linear", "matmul", "matmul", "sgd", "sum"]);
});

const programs = fc.record({
  temporaries: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  commands: fc.array(
    fc.record({
      name: fc.constantFrom<InstructionName>("add", "addInPlace", "copy", "advance"),
      operands: fc.array(fc.nat(5), { minLength: 3, maxLength: 3 }),
    }),
    { maxLength: 30 },
  ),
});

/** What every buffer holds at the end, as a text that tells how it came about. */
function outcome(commands: readonly Command[], numbers: ReadonlyMap<Command, number>): Map<DeviceBuffer, string> {
  const values = new Map<DeviceBuffer, string>();
  for (const one of commands) {
    const { instruction, buffers } = one;
    const read = buffers.slice(instruction.writes.length).map((b) => values.get(b) ?? "start");
    const changed = buffers.slice(0, instruction.writes.length + instruction.updates.length);
    changed.forEach((b, i) => {
      values.set(b, `${numbers.get(one)}.${i}(${read.join()})`);
    });
  }
  return values;
}

test("every value comes about in the same way as before", () => {
  fc.assert(
    fc.property(programs, (drawn) => {
      const buffers = drawn.temporaries.map(buffer);
      const commands = drawn.commands.map(({ name, operands }) =>
        command(name, ...operands.slice(0, instructions[name].bufferCount).flatMap((i) => buffers[i] ?? [])),
      );
      const numbers = new Map(commands.map((one, i) => [one, i]));
      const temporaries = new Set(buffers.filter((_, i) => drawn.temporaries[i]));
      const moved = advanceUpdates(commands, temporaries);
      expect(moved.length).toBe(commands.length);
      expect(outcome(moved, numbers)).toEqual(outcome(commands, numbers));
    }),
  );
});
