/** `npm run demo` as a newcomer runs it: into a pipe, and on a terminal. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeSafetensors } from "../../src/engine/index.ts";
import { brokerOfTheTests } from "../examples/broker-of-the-tests.ts";

const DEMO = join(import.meta.dirname, "../../scripts/demo.ts");
const execute = promisify(execFile);
const ESC = String.fromCharCode(27);
const hasScript = spawnSync("script", ["--version"]).status === 0;

describe("the demo", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "epochd-demo-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const environment = () => {
    const { FORCE_COLOR: _f, NO_COLOR: _n, ...env } = process.env;
    return { ...env, ...brokerOfTheTests(), DATA_DIR: folder, TERM: "xterm-256color" };
  };

  /** `script` gives the demo a terminal of its own; the size is set inside. */
  const onTerminal = async (env: NodeJS.ProcessEnv) => {
    const command = `stty rows 40 cols 80; ${JSON.stringify(process.execPath)} ${JSON.stringify(DEMO)}`;
    return (await execute("script", ["-qec", command, "/dev/null"], { env })).stdout;
  };

  it("goes into a pipe as plain lines, one per epoch, and tells its whole story", async () => {
    const { stdout } = await execute(process.execPath, [DEMO], { env: environment() });
    expect(stdout).toBe(stripVTControlCharacters(stdout));
    const epochs = [...stdout.matchAll(/^ {2}epoch +(\d+)\/(\d+) {2}loss (\d\.\d{4}) {2}accuracy (\d\.\d{3})$/gm)];
    expect(epochs.map(([, epoch]) => Number(epoch))).toEqual(epochs.map((_, i) => i + 1));
    expect(epochs.length).toBe(Number(epochs[0]?.[2]));
    expect(Number(epochs.at(-1)?.[4])).toBeGreaterThanOrEqual(0.95);
    expect(stdout.match(/^ +\d+ {2}[yn·]{16} {2}(republican|democrat)/gm)).toHaveLength(5);
    expect(stdout).toMatch(/Dashboard +http:\/\/127\.0\.0\.1:3000\/$/m);
    expect(stdout).toMatch(/Reference +http:\/\/127\.0\.0\.1:3000\/docs$/m);
  });

  it("leaves a model file with PyTorch's names and shapes", async () => {
    await execute(process.execPath, [DEMO], { env: environment() });
    const { tensors } = decodeSafetensors(await readFile(join(folder, "votes.safetensors")));
    const shapes = Object.fromEntries(Array.from(tensors, ([name, { shape }]) => [name, shape]));
    expect(shapes).toEqual({ "0.weight": [1, 16], "0.bias": [1] });
  });

  it.runIf(hasScript)("draws in place on a terminal and leaves the cursor as it was", async () => {
    const stdout = await onTerminal(environment());
    expect(stdout).toMatch(new RegExp(`${ESC}\\[\\d+A`));
    expect(stdout.lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(stdout.lastIndexOf(`${ESC}[?25l`));
    for (const line of stripVTControlCharacters(stdout).split(/\r?\n/)) expect(line.length).toBeLessThanOrEqual(80);
  });

  it.runIf(hasScript)("honours NO_COLOR on a terminal", async () => {
    const stdout = await onTerminal({ ...environment(), NO_COLOR: "1" });
    expect(stdout).not.toMatch(new RegExp(`${ESC}\\[[\\d;]*m`));
  });

  it("ends with 1 and says why when the service can't start", async () => {
    const env = { ...environment(), LOG_LEVEL: "loud" };
    const failure = await execute(process.execPath, [DEMO], { env }).then(
      () => null,
      (error: { code: number; stdout: string }) => error,
    );
    expect(failure?.code).toBe(1);
    expect(failure?.stdout).toContain("The demo failed.");
    expect(failure?.stdout).toContain("LOG_LEVEL must be one of");
  });
});
