/** Light, dark, or as the system has it: kept in this browser. */
import { signal } from "@preact/signals";

const STORED = "epochd-theme";
const THEMES = ["system", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const SIGNS: Record<Theme, string> = { system: "◐", light: "☀", dark: "☾" };

export const theme = signal<Theme>(THEMES.find((name) => name === localStorage.getItem(STORED)) ?? "system");
theme.subscribe((chosen) => {
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
});

export function ThemeButton() {
  const next = () => {
    theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
    localStorage.setItem(STORED, theme.value);
  };
  return (
    <button type="button" class="quiet" onClick={next} title={`Theme: ${theme.value}`}>
      <span aria-hidden="true">{SIGNS[theme.value]}</span>
      <span class="spoken">Theme: {theme.value}</span>
    </button>
  );
}
