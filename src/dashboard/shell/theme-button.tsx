/** From one theme to the next. */
import { chooseTheme, THEMES, type Theme, theme } from "../style/theme.ts";

const SIGNS: Record<Theme, string> = { system: "◐", light: "☀", dark: "☾" };

export function ThemeButton() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  return (
    <button type="button" class="quiet" onClick={() => chooseTheme(next)} title={`Theme: ${theme.value}`}>
      <span aria-hidden="true">{SIGNS[theme.value]}</span>
      <span class="spoken">Theme: {theme.value}</span>
    </button>
  );
}
