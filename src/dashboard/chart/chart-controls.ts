/**
 * Pointer, wheel, touch and keys on a chart. Dragging chooses a part (uPlot does that); with the shift key, by two fingers or by
 * a wheel that turns sideways, the window moves; with the control key or by pinching it zooms; a double click shows everything.
 */
import type { LineChart } from "./line-chart.ts";
import type { ChartWindow } from "./window.ts";

const ZOOM = 0.75;
const PAN = 0.2;

export function controlByPointer(surface: HTMLElement, chart: LineChart, window: ChartWindow): void {
  const touches = new Map<number, number>();
  const xOf = (event: MouseEvent) => event.clientX - surface.getBoundingClientRect().left;

  surface.style.touchAction = "pan-y";
  surface.addEventListener("dblclick", () => window.reset());
  surface.addEventListener(
    "wheel",
    (event) => {
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        window.zoom(Math.exp(event.deltaY * 0.002), chart.placeOf(xOf(event)), chart.extent);
      } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        event.preventDefault();
        window.pan(sideways / surface.clientWidth, chart.extent);
      }
    },
    { passive: false },
  );
  surface.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") {
      touches.set(event.pointerId, xOf(event));
      window.cursor.value = chart.placeOf(xOf(event));
    } else if (event.shiftKey) {
      surface.setPointerCapture(event.pointerId);
      touches.set(event.pointerId, xOf(event));
    }
  });
  surface.addEventListener("pointermove", (event) => {
    const before = touches.get(event.pointerId);
    if (before === undefined) return;
    const now = xOf(event);
    if (event.pointerType === "touch" && touches.size === 1) window.cursor.value = chart.placeOf(now);
    else if (touches.size === 1) window.pan((before - now) / surface.clientWidth, chart.extent);
    else pinch(event.pointerId, before, now);
    touches.set(event.pointerId, now);
  });
  for (const type of ["pointerup", "pointercancel", "pointerleave"] as const)
    surface.addEventListener(type, (event) => void touches.delete(event.pointerId));

  /** One of two fingers has moved: the other stays where it is. */
  function pinch(id: number, before: number, now: number): void {
    const other = [...touches].find(([key]) => key !== id)?.[1];
    if (other === undefined || Math.abs(now - other) < 10) return;
    window.zoom(Math.abs(before - other) / Math.abs(now - other), chart.placeOf(other), chart.extent);
  }
}

/** Whether the key meant something here. `places` are the points that the arrows go along. */
export function controlByKey(
  event: KeyboardEvent,
  chart: LineChart,
  window: ChartWindow,
  along: (from: number | null, by: number) => number | null,
): boolean {
  const middle = () => {
    const [from, to] = window.range.value ?? chart.extent;
    return window.cursor.value ?? (from + to) / 2;
  };
  switch (event.key) {
    case "ArrowLeft":
    case "ArrowRight": {
      const by = event.key === "ArrowLeft" ? -1 : 1;
      if (event.shiftKey) window.pan(by * PAN, chart.extent);
      else window.cursor.value = along(window.cursor.value, by);
      return true;
    }
    case "+":
    case "=":
      window.zoom(ZOOM, middle(), chart.extent);
      return true;
    case "-":
      window.zoom(1 / ZOOM, middle(), chart.extent);
      return true;
    case "Home":
    case "Escape":
      window.reset();
      return true;
    default:
      return false;
  }
}
