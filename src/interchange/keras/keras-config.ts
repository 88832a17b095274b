/** How a layer of Keras is read: its arguments one by one, and how samples lie where it stands. */
import type { z } from "zod";
import { ImportError } from "../import-error.ts";

export type LayerSpec = Readonly<Record<string, unknown>>;

/** How samples lie where a layer gets them: Keras has channels last, layers here have them first. */
export interface Place {
  /** `channels`: [channels, …positions] here; `steps`: [steps, features]; `features`: a vector, or not known. */
  readonly layout: "channels" | "steps" | "features" | "unknown";
  /** Of positions, where channels come first. */
  readonly dimensions: number;
}

/** What a layer of Keras becomes, and how samples lie behind it. Throws ImportError, whose path is an argument. */
export type KerasReader = (config: KerasConfig, place: Place) => { layers: LayerSpec[]; place: Place };

/** A layer's arguments, read one by one. */
export class KerasConfig {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  get<T>(name: string, schema: z.ZodType<T>, standard?: T): T {
    const value = this.#values[name];
    if (value === undefined && standard !== undefined) return standard;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw refusal(`${name}: ${parsed.error.issues[0]?.message ?? "can't be read"}`);
  }

  /** The arguments of a layer inside of this one. */
  of(values: Readonly<Record<string, unknown>>): KerasConfig {
    return new KerasConfig(values);
  }

  /** Refuses any other value than the one that can be read; what is left out has that. */
  only(name: string, readable: unknown, why: string): void {
    const value = this.#values[name] ?? readable;
    if (value !== readable) throw refusal(`${name} is ${JSON.stringify(value)}${why}`);
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined && this.#values[name] !== null;
  }
}

export const refusal = (message: string): ImportError => new ImportError([{ path: "", message }]);

/** A layer that changes nothing of how samples lie. */
export const plain =
  (make: (config: KerasConfig, place: Place) => LayerSpec | LayerSpec[]): KerasReader =>
  (config, place) => ({ layers: [make(config, place)].flat(), place });

export const optional = (name: string, value: unknown, standard: unknown): LayerSpec =>
  value === standard ? {} : { [name]: value };
