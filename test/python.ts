/** The Python of this machine that tests ask. */
import { spawnSync } from "node:child_process";

export const python = process.env["PYTHON"] ?? "python3";

/** Whether it is there, and as new as the client needs. */
export const hasPython = (): boolean =>
  spawnSync(python, ["-c", "import sys; assert sys.version_info >= (3, 9)"]).status === 0;
