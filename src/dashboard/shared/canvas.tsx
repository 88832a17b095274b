/** A picture that is drawn: sharp on every screen, as wide as its place, anew when the theme changes. */
import "./canvas.css";
import { useEffect, useRef } from "preact/hooks";
import { appearance } from "../style/theme.ts";

interface Props {
  /** In CSS pixels. */
  readonly draw: (context: CanvasRenderingContext2D, width: number, height: number) => void;
  /** Height as a part of the width, at most `mostHeight` pixels. */
  readonly aspect: number;
  readonly mostHeight: number;
  /** Said of the picture to who does not see it. */
  readonly label: string;
}

export function Canvas({ draw, aspect, mostHeight, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const paint = useRef<() => void>(() => {});
  paint.current = () => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    const width = element?.parentElement?.clientWidth ?? 0;
    if (!element || !context || width === 0) return;
    const height = Math.round(Math.min(width * aspect, mostHeight));
    const ratio = devicePixelRatio;
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
    element.style.width = `${width}px`;
    element.style.height = `${height}px`;
    context.scale(ratio, ratio);
    draw(context, width, height);
  };
  useEffect(() => {
    const repaint = () => paint.current();
    const size = new ResizeObserver(repaint);
    if (canvas.current?.parentElement) size.observe(canvas.current.parentElement);
    const forget = appearance.subscribe(repaint);
    return () => {
      size.disconnect();
      forget();
    };
  }, []);
  // Numbers may come faster than a screen shows them.
  useEffect(() => {
    const frame = requestAnimationFrame(() => paint.current());
    return () => cancelAnimationFrame(frame);
  });
  return (
    <div class="drawing">
      <canvas ref={canvas} role="img" aria-label={label} />
    </div>
  );
}
