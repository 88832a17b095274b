/** A model that can't be taken as it is: each place with what is wrong there, such as `line 3`. */
export interface ImportMistake {
  readonly path: string;
  readonly message: string;
}

export class ImportError extends Error {
  override readonly name = "ImportError";
  readonly mistakes: readonly ImportMistake[];

  constructor(mistakes: readonly ImportMistake[]) {
    super(mistakes.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("\n"));
    this.mistakes = mistakes;
  }
}

/** The layers of another framework's model, in this one's words. */
export interface ImportedArchitecture {
  readonly layers: readonly Readonly<Record<string, unknown>>[];
  /** Of one sample, where the model says it. */
  readonly inputShape: readonly number[] | null;
  /** Names of weights there and here, for `init.rename`: layers with names of their own. */
  readonly rename: Readonly<Record<string, string>>;
}
