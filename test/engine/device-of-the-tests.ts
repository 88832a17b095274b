/** The device on which the engine's tests run: the CPU, unless EPOCHD_TEST_BACKEND names another. */
import { type Backend, Device, useDevice } from "../../src/engine/index.ts";
import { createTestBackend } from "./backends-of-the-tests.ts";

export const backend: Backend = await createTestBackend();
export const device: Device = useDevice(new Device(backend));
