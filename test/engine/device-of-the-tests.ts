/** The device on which the engine's tests run: the CPU backend, unless a suite is told otherwise. */
import { type Backend, createWasmBackend, Device, useDevice } from "../../src/engine/index.ts";

export const backend: Backend = await createWasmBackend();
export const device: Device = useDevice(new Device(backend));
