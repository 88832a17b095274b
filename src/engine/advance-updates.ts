/**
 * Moves what only changes lasting buffers (an optimizer's update of one parameter, running statistics, totals) up to
 * where its operands are ready: right after the gradient is known and the parameter was last used. The gradient is then
 * in the cache still, and its memory is free again at once, so that a step never holds all gradients together.
 *
 * Two commands change places only if neither writes what the other touches, so every value keeps its bits.
 */
import type { Command, DeviceBuffer } from "./backend.ts";

export function advanceUpdates(
  commands: readonly Command[],
  temporaries: { has(buffer: DeviceBuffer): boolean },
): Command[] {
  /** By buffer: behind which command, in the order given, its last write and its last use now stand. */
  const written = new Map<DeviceBuffer, number>();
  const used = new Map<DeviceBuffer, number>();
  /** By command that stays: what comes right behind it. The first list comes before all. */
  const behind: Command[][] = [[]];
  commands.forEach((command, at) => {
    const { buffers, instruction } = command;
    const outputs = instruction.writes.length + instruction.updates.length;
    const movable = outputs > 0 && buffers.every((buffer, i) => i >= outputs || !temporaries.has(buffer));
    let place = at + 1;
    if (movable) {
      place = 0;
      buffers.forEach((buffer, i) => {
        place = Math.max(place, (i < outputs ? used : written).get(buffer) ?? 0);
      });
    }
    behind.push(movable ? [] : [command]);
    if (movable) behind[place]?.push(command);
    buffers.forEach((buffer, i) => {
      used.set(buffer, Math.max(place, used.get(buffer) ?? 0));
      if (i < outputs) written.set(buffer, place);
    });
  });
  return behind.flat();
}
