/** What a checkpoint holds of a run, and how the parts of a run go on from it with the same bits. */
import type { Parts } from "./assemble.ts";
import type { BestWeights } from "./best-weights.ts";
import type { ChangeQueue } from "./change-queue.ts";
import { encodeCheckpoint, type RunState } from "./checkpoint.ts";
import type { EpochSteps } from "./epoch-steps.ts";
import type { Recovery } from "./recovery.ts";
import { loadStreams, type RestartPoint, streamStates } from "./restart-point.ts";

/** Whatever has a state. */
export interface RunParts extends Pick<Parts, "model" | "optimizer" | "rates"> {
  readonly steps: EpochSteps;
  readonly best: BestWeights;
  readonly changes: ChangeQueue;
  readonly restart: RestartPoint;
  readonly recovery: Recovery;
}

/** `mayGoBack`: whether whoever goes on must find the start of the epoch, too. */
export function saveRun(
  run: RunParts,
  at: { epoch: number; elapsedMs: number; mayGoBack: boolean },
  about?: string,
): Uint8Array<ArrayBuffer> {
  const { model, optimizer, rates, steps, changes, restart, recovery } = run;
  const { best, badEpochs, weights } = run.best.state;
  const streams = new Map(Array.from(streamStates(model.namedStreams()), ([name, state]) => [OF_MODEL + name, state]));
  streams.set("shuffle", steps.shuffledFrom);
  const state: RunState = {
    position: {
      epoch: at.epoch,
      step: steps.step,
      cursor: steps.cursor,
      elapsedMs: at.elapsedMs,
      plateau: rates.state,
      best,
      badEpochs,
      rates: rates.changes,
      changes: changes.taken,
      rollbacks: recovery.rollbacks,
    },
    model: model.stateDict(),
    best: weights,
    optimizer: optimizer.stateDict(),
    streams,
    tally: steps.sums,
    restart: at.mayGoBack && steps.cursor > 0 ? restart.state : null,
  };
  return encodeCheckpoint(state, about);
}

/** `repeat` makes the changes that have taken effect once more: what they began with is overwritten by what came of it. */
export function restoreRun(run: RunParts, saved: RunState, repeat: () => void): void {
  const { model, optimizer, rates, steps, changes, best, restart, recovery } = run;
  const { position, streams, tally } = saved;
  model.loadStateDict(saved.model);
  optimizer.loadStateDict(saved.optimizer);
  rates.restore(position.plateau, position.rates, position.step);
  const ofModel = Array.from(streams).flatMap(([name, state]) =>
    name.startsWith(OF_MODEL) ? [[name.slice(OF_MODEL.length), state] as const] : [],
  );
  loadStreams(model.namedStreams(), new Map(ofModel));
  const standing = { step: position.step, cursor: position.cursor, tally };
  steps.restore(standing, streams.get("shuffle"));
  changes.taken = position.changes;
  repeat();
  best.state = { best: position.best, badEpochs: position.badEpochs, weights: saved.best };
  recovery.rollbacks = position.rollbacks;
  if (saved.restart) restart.load(saved.restart);
  else restart.take(standing);
}

const OF_MODEL = "model.";
