/** Every kernel as WGSL: Dawn's null backend compiles it, and needs no GPU for that. */
import { describe, expect, it } from "vitest";
import { openWebgpu } from "../../../../src/engine/backends/gpu/facade.ts";
import { UnavailableError } from "../../../../src/engine/backends/gpu/gpu-errors.ts";
import { Pipelines } from "../../../../src/engine/backends/gpu/pipelines.ts";
import { type Stage, stagesOf } from "../../../../src/engine/backends/gpu/stages.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";
import { bufferNames } from "../device-call.ts";
import type { Call } from "../samples.ts";
import { fixedCalls, instructionNames, wordsOf } from "./gpu-calls.ts";
import { largeStages } from "./large-calls.ts";

/** Null where Dawn itself can't be loaded. */
const webgpu = await openWebgpu({ flags: ["backend=null"], selfTest: false }).catch((error: unknown) => {
  if (error instanceof UnavailableError) return null;
  throw error;
});

describe.skipIf(!webgpu)("WGSL of the kernels", () => {
  const pipelines = webgpu && new Pipelines(webgpu);
  const compile = async (stages: readonly Stage[]) => {
    for (const stage of stages) expect(await pipelines?.get(stage)).toBeDefined();
  };

  it.each(instructionNames)("%s compiles", async (name) => {
    for (const call of fixedCalls(name, 5)) await compile(stages(name, call));
  });

  it.each(largeStages().map(({ what, stages }) => [what, stages] as const))("%s compiles", (_, stages) =>
    compile(stages),
  );
});

function stages(name: InstructionName, { arrays, params }: Call): Stage[] {
  const instruction = instructions[name];
  const spans = bufferNames(instruction).map((array, i) => ({
    slot: i + 1,
    offset: 0,
    words: Math.max(1, wordsOf(arrays[array]!)),
  }));
  return stagesOf({ instruction, spans, params: Object.keys(instruction.params).map((key) => params[key]!) });
}
