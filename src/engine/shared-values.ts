/** Values that lie on a backend once for all devices which compute there, such as the data that several models are trained on. */
import type { Backend, DeviceBuffer, TypedArray } from "./backend.ts";

interface Shared {
  readonly buffer: DeviceBuffer;
  users: number;
}

const sharedOn = new WeakMap<Backend, Map<TypedArray, Shared>>();

/** Memory with these contents. Each call is to be followed by one of {@link releaseShared}. Throws OutOfMemoryError. */
export function holdShared(backend: Backend, values: TypedArray): DeviceBuffer {
  const all = sharedOn.get(backend) ?? new Map<TypedArray, Shared>();
  sharedOn.set(backend, all);
  const shared = all.get(values) ?? { buffer: backend.allocate(Math.max(4, values.byteLength)), users: 0 };
  if (shared.users === 0) backend.write(shared.buffer, values);
  shared.users++;
  all.set(values, shared);
  return shared.buffer;
}

export function releaseShared(backend: Backend, values: TypedArray): void {
  const all = sharedOn.get(backend);
  const shared = all?.get(values);
  if (!shared || --shared.users > 0) return;
  all?.delete(values);
  backend.free(shared.buffer);
}
