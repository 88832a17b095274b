/** The API key: asked for once the service wants one, kept until the tab is closed, sent in a header and never in an address. */
import { signal } from "@preact/signals";

const STORED = "epochd-key";

export const apiKey = signal(sessionStorage.getItem(STORED));

/** Why the service wants a key, or another one; the page asks for it while this says so. */
export const keyWanted = signal<string | null>(null);

let waiting: (() => void)[] = [];

/** Resolves once a key was entered. */
export function wantKey(why: string): Promise<void> {
  keyWanted.value = why;
  return new Promise((resolve) => waiting.push(resolve));
}

export function enterKey(key: string): void {
  sessionStorage.setItem(STORED, key);
  apiKey.value = key;
  keyWanted.value = null;
  for (const goOn of waiting.splice(0)) goOn();
}

export function forgetKey(): void {
  sessionStorage.removeItem(STORED);
  waiting = [];
  location.reload();
}
