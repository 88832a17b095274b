/** The launcher: runs a .ts file on a Node that can, from one that can and from one that can't. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { nodes } from "./nodes.ts";

const launcher = fileURLToPath(new URL("../../bin/launch.mjs", import.meta.url));
const program = fileURLToPath(new URL("./fixture.ts", import.meta.url));

describe.each(nodes)("the launcher on $name", ({ path: node }) => {
  const launch = (...args: string[]) => {
    const child = spawn(node ?? "", [launcher, program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code)));
    return { child, ended, output: () => output };
  };

  test.skipIf(node === undefined)("passes arguments on, and runs on a Node that knows TypeScript", async () => {
    const { ended, output } = launch("--api", "two words");
    expect(await ended).toBe(0);
    const said = JSON.parse(output());
    expect(said.args).toEqual(["--api", "two words"]);
    expect(said.major).toBeGreaterThanOrEqual(22);
  });

  test.skipIf(node === undefined)("ends with the program's exit code", async () => {
    expect(await launch("--fail").ended).toBe(3);
  });

  test.skipIf(node === undefined)("passes signals on", async () => {
    const { child, ended, output } = launch("--wait");
    await vi.waitFor(() => expect(output()).not.toBe(""), { timeout: 20_000 });
    child.kill("SIGTERM");
    expect(await ended).toBe(7);
  });
});
