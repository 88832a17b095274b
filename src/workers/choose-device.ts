/** On which device a job is to train: as its spec asks, where it began, or whichever is faster. */
import type { GpuAnswer } from "../engine/index.ts";
import type { DeviceInfo, DeviceKind } from "../jobs/device-info.ts";
import type { JobState } from "../jobs/job.ts";
import type { JobSpec } from "../spec/job-spec.ts";

export interface ChosenDevice {
  readonly device: DeviceKind;
  readonly info: DeviceInfo;
}

export type Choice =
  | ChosenDevice
  /** Both are to be tried. */
  | "measure"
  /** Another worker can train it as it is to be, and this one can't. */
  | "elsewhere";

/** What a worker has. */
export interface WorkerDevices {
  readonly cpu: { readonly mode: string; readonly threads: number };
  /** Found out soon after the start. */
  readonly gpu: () => Promise<GpuAnswer>;
  /** Whether another worker has a GPU. */
  readonly gpuElsewhere: () => Promise<boolean>;
}

/** A job that may leave the GPU does so when that has failed so often, one time after the other. */
const PATIENCE = 3;

export async function chooseDevice(
  spec: Pick<JobSpec, "device" | "numerics">,
  state: Pick<JobState, "attempts" | "device" | "device_info" | "queueReason" | "losses">,
  devices: WorkerDevices,
): Promise<Choice> {
  const cpu = (reason: string): ChosenDevice => ({ device: "cpu", info: cpuInfo(devices, reason) });
  const begun = state.attempts > 0 ? state.device : null;
  const reason = state.device_info?.reason;
  if (begun === "cpu") return cpu(reason ?? "It began there.");
  if (begun === null && spec.device === "auto" && spec.numerics === "strict") {
    return cpu('numerics "strict" asks for the bits of a CPU.');
  }
  if (spec.device !== "auto" && spec.device !== "gpu") return cpu("The spec asks for it.");

  const answer = await devices.gpu();
  if (spec.device === "gpu") return answer.available ? gpuOf(answer, "The spec asks for it.") : "elsewhere";
  if (begun === null) {
    return answer.available ? "measure" : cpu(`This worker has no GPU: ${answer.why}`);
  }
  if (state.queueReason === "device_lost" && state.losses >= PATIENCE) {
    return cpu(`The GPU that it began on has failed ${state.losses} times, one after the other.`);
  }
  if (answer.available) return gpuOf(answer, reason ?? "It began there.");
  if (await devices.gpuElsewhere()) return "elsewhere";
  return cpu("The GPU that it began on is gone, and no worker has another one.");
}

export function cpuInfo({ cpu }: Pick<WorkerDevices, "cpu">, reason: string): DeviceInfo {
  return { mode: cpu.mode, adapter: null, driver: null, threads: cpu.threads, reason };
}

export function gpuOf({ facts }: Extract<GpuAnswer, { available: true }>, reason: string): ChosenDevice {
  const { mode, adapter, driver } = facts;
  return { device: "gpu", info: { mode, adapter, driver, threads: null, reason } };
}
