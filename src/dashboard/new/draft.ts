/** The spec under edit: one object, which the form and the JSON beside it both show and change. */
import { batch, computed, effect, signal } from "@preact/signals";
import { type Mistake, type SpecReport, validateSpec } from "../service/catalogue.ts";
import { messageOf } from "../service/client.ts";
import { persist } from "../service/persist.ts";
import { isWithin } from "../shared/within.ts";
import { isObject, type JsonObject, nameOf, type Path, withValue } from "./json.ts";

const PAUSE_MS = 200;

export class Draft {
  readonly spec = signal<JsonObject>({});
  /** As it stands in the JSON pane, also where it is no JSON while someone types. */
  readonly text = signal("");
  readonly textMistake = signal<string | null>(null);
  /** What the dry run said last; of an older spec while `checking`. */
  readonly report = signal<SpecReport | null>(null);
  readonly checking = signal(true);
  readonly trouble = signal<string | null>(null);
  readonly canStart = computed(
    () => !this.checking.value && this.textMistake.value === null && this.report.value?.valid === true,
  );

  constructor(spec: JsonObject) {
    this.replace(spec);
  }

  replace(spec: JsonObject): void {
    batch(() => {
      this.spec.value = spec;
      this.text.value = JSON.stringify(spec, null, 2);
      this.textMistake.value = null;
    });
  }

  set(path: Path, value: unknown): void {
    const changed = withValue(this.spec.value, path, value);
    if (isObject(changed)) this.replace(changed);
  }

  /** What someone typed into the JSON: taken as soon as it is an object, and not written anew under their hands. */
  type(text: string): void {
    batch(() => {
      this.text.value = text;
      try {
        const spec: unknown = JSON.parse(text);
        this.textMistake.value = isObject(spec) ? null : "A spec is a JSON object: { … }.";
        if (isObject(spec)) this.spec.value = spec;
      } catch (error) {
        this.textMistake.value = error instanceof Error ? error.message : String(error);
      }
    });
  }

  /** The mistakes at a place, or within it. */
  mistakesIn(...path: Path): readonly Mistake[] {
    const name = nameOf(path);
    return this.report.value?.errors.filter((mistake) => isWithin(mistake.path, name)) ?? [];
  }

  /** Has every change checked, the last one after a short pause. Call what it returns to stop. */
  watch(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = new AbortController();
    const stop = effect(() => {
      const spec = this.spec.value;
      asking.abort();
      asking = new AbortController();
      clearTimeout(timer);
      const { signal } = asking;
      this.checking.value = true;
      timer = setTimeout(() => void this.#check(spec, signal), PAUSE_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
      asking.abort();
    };
  }

  async #check(spec: JsonObject, stopped: AbortSignal): Promise<void> {
    try {
      const report = await persist(() => validateSpec(spec, stopped), {
        onAway: (trouble) => {
          this.trouble.value = trouble;
        },
        isStopped: () => stopped.aborted,
      });
      if (stopped.aborted) return;
      batch(() => {
        this.report.value = report;
        this.checking.value = false;
        this.trouble.value = null;
      });
    } catch (error) {
      if (!stopped.aborted) this.trouble.value = messageOf(error);
    }
  }
}
