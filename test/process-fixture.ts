/** Parts of the service as processes of their own, to be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, onTestFailed, vi } from "vitest";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

export interface TestProcess {
  readonly pid: number;
  /** All that it has printed. */
  output(): string;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
  /** Waits until it prints something that matches, and gives the match. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

/** As start(), and a test that fails shows what was printed. */
export function run(args: readonly string[], env: Record<string, string>, program = MAIN): TestProcess {
  const started = start(args, env, program);
  onTestFailed(() => console.log(`${program} ${args.join(" ")} printed:\n${started.output()}`));
  return started;
}

/** `program` is run by this Node with what the test says about its environment; main.ts if none is named. */
export function start(args: readonly string[], env: Record<string, string>, program = MAIN): TestProcess {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  const ended = endOf(child);
  return {
    pid: child.pid ?? -1,
    output: () => text,
    ended,
    kill: (signal) => void child.kill(signal),
    until: (pattern) =>
      vi.waitFor(
        () => {
          const found = pattern.exec(text);
          if (!found) expect.unreachable(`${pattern} is not in:\n${text}`);
          return found;
        },
        { timeout: 100_000, interval: 10 },
      ),
  };
}

function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code ?? "?")));
}
