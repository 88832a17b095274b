/**
 * The memory that captured programs share for their temporaries. No two programs run at the same time, and nothing in it
 * outlives a run: so it is as large as the largest of them asks for, not as all together.
 */
import type { Backend, Command, DeviceBuffer, Program } from "./backend.ts";

/** A program whose temporaries are laid out, wherever the workspace will be. */
export interface Layout {
  readonly bytes: number;
  /** The commands with every temporary at its place in `arena`. */
  place(arena: DeviceBuffer): Command[];
}

export class Workspace {
  readonly #backend: Backend;
  readonly #users = new Set<PlacedProgram>();
  #arena: DeviceBuffer | null = null;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Throws OutOfMemoryError. */
  add(layout: Layout): PlacedProgram {
    const program = new PlacedProgram(this.#backend, this, layout);
    this.#users.add(program);
    try {
      program.place();
    } catch (error) {
      this.remove(program);
      throw error;
    }
    return program;
  }

  /** At least so many bytes; a larger arena takes the place of a smaller one. */
  arena(bytes: number): DeviceBuffer {
    if (this.#arena && this.#arena.bytes >= bytes) return this.#arena;
    this.#release();
    this.#arena = this.#backend.allocate(bytes);
    return this.#arena;
  }

  remove(program: PlacedProgram): void {
    this.#users.delete(program);
    if (this.#users.size === 0) this.#release();
  }

  #release(): void {
    if (this.#arena) this.#backend.free(this.#arena);
    this.#arena = null;
  }
}

export class PlacedProgram implements Program {
  readonly #backend: Backend;
  readonly #workspace: Workspace;
  readonly #layout: Layout;
  #arena: DeviceBuffer | null = null;
  #program: Program | null = null;

  constructor(backend: Backend, workspace: Workspace, layout: Layout) {
    this.#backend = backend;
    this.#workspace = workspace;
    this.#layout = layout;
  }

  get commands(): number {
    return this.#program?.commands ?? 0;
  }

  run(times: number): void {
    this.place().run(times);
  }

  /** Encodes the commands for where the workspace is; again if a larger program has moved it since. */
  place(): Program {
    const arena = this.#workspace.arena(this.#layout.bytes);
    if (this.#program && this.#arena === arena) return this.#program;
    this.#program?.dispose();
    this.#program = null;
    this.#program = this.#backend.compile(this.#layout.place(arena));
    this.#arena = arena;
    return this.#program;
  }

  dispose(): void {
    this.#program?.dispose();
    this.#program = null;
    this.#workspace.remove(this);
  }
}
