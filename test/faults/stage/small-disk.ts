/** A disk of its own that can be filled: a tmpfs of some megabytes. Only root may have one. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

const mount = (directory: string): Promise<unknown> =>
  execute("mount", ["-t", "tmpfs", "-o", `size=${MEGABYTES}m`, "tmpfs", directory]);
const MEGABYTES = 96;

export const canMount = await mayMount();

async function mayMount(): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), "epochd-mount-"));
  try {
    await mount(directory);
    await execute("umount", [directory]);
    return true;
  } catch {
    return false;
  } finally {
    await rm(directory, { recursive: true });
  }
}

export class SmallDisk {
  private readonly directory: string;
  private readonly ballast: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.ballast = join(directory, "ballast");
  }

  static async mount(directory: string): Promise<SmallDisk> {
    await mkdir(directory, { recursive: true });
    await mount(directory);
    return new SmallDisk(directory);
  }

  /** To the last byte, or until so many are left. */
  async fill(left = 0): Promise<void> {
    const file = await open(this.ballast, "a");
    try {
      if (left > 0) {
        const { bavail, bsize } = await statfs(this.directory);
        await file.write(Buffer.alloc(Math.max(0, bavail * bsize - left)));
        return;
      }
      for (let size = 2 ** 20; size >= 1; size /= 16) {
        for (;;) {
          try {
            await file.write(Buffer.alloc(size));
          } catch (error) {
            if (error instanceof Error && "code" in error && error.code === "ENOSPC") break;
            throw error;
          }
        }
      }
    } finally {
      await file.close();
    }
  }

  async makeRoom(): Promise<void> {
    await rm(this.ballast, { force: true });
  }

  async unmount(): Promise<void> {
    await execute("umount", ["-l", this.directory]);
  }
}

/** From now on no file of the process may grow beyond this: for the process a full disk, too, and nobody need be root. */
export async function limitFileSize(pid: number, bytes: number | "unlimited"): Promise<void> {
  await execute("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`]);
}

export const canLimit = await execute("prlimit", ["--version"]).then(
  () => true,
  () => false,
);
