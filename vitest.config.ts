/**
 * Nine suites over one tree of tests: `vitest run --project engine|gpu|service|browser|docs|parity|differential|faults|fuzz`,
 * or a path. `npm test` takes engine, service and parity.
 *
 *   engine   what needs no broker: engine, data, spec, scripts, what the dashboard computes
 *   gpu      of engine and parity what trains and computes, on gpu.js in mode webasm (EPOCHD_TEST_BACKEND=webgpu for a GPU)
 *   service  what talks to a broker: log, queue, workers, HTTP, client (EPOCHD_TEST_BROKER=embedded for the other)
 *   browser  the dashboard in Chromium, where it is installed: `*.browser.test.ts`
 *   docs     the service as it is started, demo, examples, the clients as they are installed, the terminal's commands, every snippet of the documentation, the reporter of these suites
 *   parity   the engine against PyTorch's numbers
 *   differential   random jobs against the PyTorch of this machine; skipped where there is none
 *   fuzz     thousands of requests, drawn from the OpenAPI document: minutes (EPOCHD_FUZZ_REQUESTS=2000 for fewer)
 *   faults   kill -9, lost brokers, full disks: slow, and hungry for the whole machine
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Where processes start by the dozen: in half the time with what others have compiled before. */
const compiled = { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/epochd-compiled", import.meta.url)) };

/**
 * Processes, brokers and browsers on a machine that others use, too. The reporter names what needed the second try.
 * No worker looks for a GPU, unless its test says so: that takes a second of a core.
 */
const busy = { retry: 1, maxWorkers: "100%", env: { GPU_CONCURRENCY: "0", ...compiled } };

/** One after the other with what talks to processes, and on all cores. */
const computing = { maxWorkers: "100%", sequence: { groupOrder: 1 } };

/** Files that compute share what they import: to load it anew for each took half of their time. */
const sharing = { isolate: false, setupFiles: ["test/property-seed.ts", "test/engine/use-device.ts"] };

const inFolders = (folders: readonly string[]): string[] => folders.map((folder) => `test/${folder}/**/*.test.ts`);
const suite = (name: string, folders: readonly string[], options = {}) => ({
  extends: true as const,
  test: { name, include: inFolders(folders), ...options },
});

const service = ["broker", "jobs", "workers", "api", "client"];
/** Programs, installations and pages, each run as by its reader: a process for every command. */
const asReadersDo = ["bin", "service", "demo", "examples", "cli", "docs", "clients", "bench"];
/** Runs little suites, each a process of its own. */
const onReporter = "test/reporter.test.ts";
const inBrowsers = "test/dashboard/**/*.browser.test.ts";
/** What gpu.js computes: the suite gpu's alone, as seconds upon seconds. */
const onGpu = "test/engine/backends/gpu/lowerings.test.ts";
const own = [...service, ...asReadersDo, "parity", "differential", "faults", "fuzz"];

export default defineConfig({
  test: {
    globalSetup: ["test/global-setup.ts"],
    setupFiles: ["test/property-seed.ts"],
    reporters: ["default", "./test/reporter.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A busy machine is slow, not wrong.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "engine",
          ...computing,
          ...sharing,
          include: ["test/**/*.test.ts"],
          exclude: [...own.map((folder) => `test/${folder}/**`), inBrowsers, onGpu, onReporter],
        },
      },
      {
        extends: true,
        test: {
          name: "gpu",
          include: [
            "test/engine/{golden,losses,nn,optim,train}/**/*.test.ts",
            "test/engine/{autograd,capture}.test.ts",
            "test/parity/training.test.ts",
            "test/engine/backends/gpu/long-training.test.ts",
            onGpu,
            // These try what there is; where the suite engine runs, that may have been no GPU.
            ...(process.env["EPOCHD_TEST_BACKEND"] === "webgpu"
              ? ["test/engine/backends/gpu/**/*.test.ts", "test/workers/gpu.test.ts"]
              : []),
          ],
          env: { EPOCHD_TEST_BACKEND: process.env["EPOCHD_TEST_BACKEND"] ?? "webasm" },
          // Made for correctness, or a GPU played by software, which takes all cores by itself.
          testTimeout: 600_000,
          ...(process.env["EPOCHD_TEST_BACKEND"] !== "webgpu" && { maxWorkers: "100%" }),
        },
      },
      suite("service", service, busy),
      { extends: true, test: { name: "browser", include: [inBrowsers], ...busy } },
      suite("docs", asReadersDo, {
        ...{ ...busy, ...computing },
        include: [...inFolders(asReadersDo), onReporter],
        testTimeout: 120_000,
      }),
      suite("parity", ["parity"], { ...computing, ...sharing }),
      suite("differential", ["differential"]),
      // Nothing is tried again here: what is lost once in a while is lost. Two at a time, since faults are waited for a lot.
      suite("faults", ["faults"], { env: busy.env, hookTimeout: 120_000, maxWorkers: 2 }),
      suite("fuzz", ["fuzz"], busy),
    ],
  },
});
