/**
 * The instruction set in float64: slow, and exact enough for derivatives to be compared with central differences.
 * Every element of a buffer, whatever its type, is one float64.
 */
import type { Backend, Command, DeviceBuffer, Program, TypedArray } from "../../src/engine/backend.ts";
import type { Instruction, InstructionName } from "../../src/engine/instructions.ts";
import { bufferNames } from "./backends/device-call.ts";
import { references } from "./backends/reference.ts";

class Cells implements DeviceBuffer {
  readonly address = 0;
  readonly bytes: number;
  readonly values: Float64Array;
  constructor(bytes: number) {
    this.bytes = bytes;
    this.values = new Float64Array(Math.ceil(bytes / 4)).fill(Number.NaN);
  }
}

const cells = (buffer: DeviceBuffer): Float64Array => {
  if (buffer instanceof Cells) return buffer.values;
  throw new TypeError("This buffer is not one of the float64 backend's.");
};

export class Float64Backend implements Backend {
  readonly name = "float64";
  readonly variant = "reference";
  readonly memory = { live: 0, peak: 0 };

  allocate(bytes: number): DeviceBuffer {
    return new Cells(bytes);
  }
  free(): void {}
  dispose(): void {}
  write(buffer: DeviceBuffer, values: TypedArray): void {
    cells(buffer).set(values);
  }
  read<T extends TypedArray>(buffer: DeviceBuffer, into: T): T {
    into.set(cells(buffer).subarray(0, into.length));
    return into;
  }
  run(instruction: Instruction, buffers: readonly DeviceBuffer[], params: readonly number[]): void {
    const arrays = Object.fromEntries(bufferNames(instruction).map((name, i) => [name, cells(at(buffers, i))]));
    const named = Object.fromEntries(Object.keys(instruction.params).map((name, i) => [name, at(params, i)]));
    references[instruction.name as InstructionName](arrays, named);
  }
  compile(commands: readonly Command[]): Program {
    return {
      commands: commands.length,
      run: (times) => {
        for (let i = 0; i < times; i++)
          for (const { instruction, buffers, params } of commands) this.run(instruction, buffers, params);
      },
      dispose: () => {},
    };
  }
}

function at<T>(list: readonly T[], i: number): T {
  const item = list[i];
  if (item === undefined) throw new RangeError(`The instruction lacks operand ${i}.`);
  return item;
}
