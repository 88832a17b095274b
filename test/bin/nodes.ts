/** The Nodes of this machine: the one that runs the tests, and the first on the PATH that is too old for the service. */
import { execFileSync } from "node:child_process";
import { delimiter, join } from "node:path";

const oldNode = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "node"))
  .find((path) => {
    try {
      const [major = 0, minor = 0] = execFileSync(path, ["-p", "process.versions.node"])
        .toString()
        .split(".")
        .map(Number);
      return major < 22 || (major === 22 && minor < 18);
    } catch {
      return false;
    }
  });

export const nodes: readonly { readonly name: string; readonly path: string | undefined }[] = [
  { name: "a new Node", path: process.execPath },
  { name: "an old Node", path: oldNode },
];
