/** Light, dark, or as the system has it: kept in this browser. */
import { signal } from "@preact/signals";

const STORED = "epochd-theme";
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const theme = signal<Theme>(THEMES.find((name) => name === localStorage.getItem(STORED)) ?? "system");

/** Counts how often the colours have become others: who has drawn with them draws again. */
export const appearance = signal(0);

theme.subscribe((chosen) => {
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
  appearance.value++;
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  appearance.value++;
});

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen;
  localStorage.setItem(STORED, chosen);
}
