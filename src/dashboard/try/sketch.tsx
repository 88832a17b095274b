/** A picture for a model of pictures: drawn by hand, by arrow keys, or from a file. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Job } from "../service/jobs.ts";
import type { Predictions } from "../service/predictions.ts";

export interface ImageShape {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** What the brightest point holds in the data. */
  readonly white: number;
}

/** Of one row, where it is a picture: as preprocessing shapes it, or as it is nested, or a square of many columns. */
export function imageShapeOf(job: Job, { inputs, input_shape }: Predictions): ImageShape | null {
  const shape = preprocessOf(job)["shape"];
  const asked = Array.isArray(shape) ? shape.map(Number) : input_shape;
  const width = asked.reduce((a, b) => a * b, 1);
  const side = Math.sqrt(width);
  const [height, breadth, channels] =
    asked.length === 3
      ? [asked[1], asked[2], asked[0]]
      : asked.length === 2
        ? [asked[0], asked[1], 1]
        : side >= 8 && Number.isInteger(side)
          ? [side, side, 1]
          : [];
  if (!height || !breadth || (channels !== 1 && channels !== 3) || height < 4 || breadth < 4) return null;
  return { width: breadth, height, channels, white: whiteOf(job, inputs) };
}

function whiteOf(job: Job, inputs: Predictions["inputs"]): number {
  const most = Math.max(0, ...(inputs ?? []).flatMap((row) => row.map(Number).filter(Number.isFinite)));
  if (most > 0) return most;
  const { scale } = preprocessOf(job);
  return typeof scale === "number" && scale > 0 && scale < 1 ? Math.round(1 / scale) : 1;
}

function preprocessOf({ spec }: Job): Record<string, unknown> {
  const data = spec["data"];
  const steps = typeof data === "object" && data !== null && "preprocess" in data ? data.preprocess : null;
  return typeof steps === "object" && steps !== null ? { ...steps } : {};
}

interface Props {
  readonly shape: ImageShape;
  /** A row to begin with, flat. */
  readonly row: readonly unknown[] | null;
  readonly onDraw: (row: readonly unknown[]) => void;
}

/** Pixels on the screen for one of the picture's larger side. */
const SIZE = 280;

export function Sketch({ shape, row, onDraw }: Props) {
  const { width, height, channels, white } = shape;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [cursor, setCursor] = useState<{ readonly x: number; readonly y: number } | null>(null);
  const area = width * height;
  /** Brightness from 0 to 1, channel by channel. */
  const pixels = (row ?? []).map((value) => Math.min(1, Math.max(0, Number(value) / white || 0)));
  const current = pixels.length === area * channels ? pixels : new Array<number>(area * channels).fill(0);
  const scale = SIZE / Math.max(width, height);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const image = new ImageData(width, height);
    for (let i = 0; i < area; i++) {
      const [red = 0, green = red, blue = red] = Array.from({ length: channels }, (_, c) => current[c * area + i] ?? 0);
      image.data.set([red * 255, green * 255, blue * 255, 255], i * 4);
    }
    context.putImageData(image, 0, 0);
  });

  const send = (changed: readonly number[]) => onDraw(changed.map((value) => Number((value * white).toPrecision(4))));
  /** A soft brush: its middle white, what is around it as far as it is covered. */
  const brush = (x: number, y: number) => {
    const radius = Math.max(0.75, Math.max(width, height) / 16);
    const changed = [...current];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const ink = Math.min(1, Math.max(0, radius + 0.5 - distance));
        for (let c = 0; c < channels; c++) {
          const at = c * area + row * width + column;
          changed[at] = Math.max(changed[at] ?? 0, ink);
        }
      }
    }
    send(changed);
  };
  const onPointer = (event: PointerEvent) => {
    if (event.buttons === 0 || !canvas.current) return;
    event.preventDefault();
    const { left, top, width: shownWidth, height: shownHeight } = canvas.current.getBoundingClientRect();
    brush(((event.clientX - left) / shownWidth) * width, ((event.clientY - top) / shownHeight) * height);
  };
  const onKey = (event: KeyboardEvent) => {
    const steps: Record<string, readonly [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const step = steps[event.key];
    const from = cursor ?? { x: Math.floor(width / 2), y: Math.floor(height / 2) };
    if (step) {
      const [dx, dy] = step;
      const to = {
        x: Math.min(width - 1, Math.max(0, from.x + dx)),
        y: Math.min(height - 1, Math.max(0, from.y + dy)),
      };
      setCursor(to);
      if (event.shiftKey) brush(to.x + 0.5, to.y + 0.5);
    } else if (event.key === " ") brush(from.x + 0.5, from.y + 0.5);
    else return;
    event.preventDefault();
  };
  const load = async (file: File | undefined) => {
    if (file) send(await pixelsOf(file, shape));
  };
  return (
    <div class="stack sketch">
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it is drawn on, by keys, too */}
      <canvas
        ref={canvas}
        class="sketchpad"
        width={width}
        height={height}
        tabIndex={0}
        role="application"
        aria-label={`A picture of ${width} by ${height}: draw with the pointer, or with arrow keys and space`}
        style={{ width: `${width * scale}px`, height: `${height * scale}px` }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          onPointer(event);
        }}
        onPointerMove={onPointer}
        onKeyDown={onKey}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void load(event.dataTransfer?.files[0]);
        }}
      />
      <p class="row small">
        <button type="button" onClick={() => send(new Array<number>(area * channels).fill(0))}>
          Clear
        </button>
        <label class="button">
          From a file
          <input
            type="file"
            accept="image/*"
            class="spoken"
            onChange={({ currentTarget }) => {
              void load(currentTarget.files?.[0]);
              currentTarget.value = "";
            }}
          />
        </label>
        <span class="soft">Draw, or drop a picture.</span>
      </p>
    </div>
  );
}

/** A picture scaled to the model's size; dark on light, as on paper, becomes light on dark, as most such data has it. */
async function pixelsOf(file: File, { width, height, channels }: ImageShape): Promise<number[]> {
  const picture = await createImageBitmap(file);
  const small = new OffscreenCanvas(width, height).getContext("2d");
  if (!small) return [];
  small.imageSmoothingQuality = "high";
  small.drawImage(picture, 0, 0, width, height);
  const { data } = small.getImageData(0, 0, width, height);
  const area = width * height;
  const grey = Array.from({ length: area }, (_, i) => brightness(data.subarray(i * 4, i * 4 + 4)));
  if (channels === 3)
    return Array.from({ length: area * 3 }, (_, i) => (data[(i % area) * 4 + Math.floor(i / area)] ?? 0) / 255);
  const edge = grey.filter((_, i) => i < width || i >= area - width || i % width === 0 || i % width === width - 1);
  const isPaper = edge.reduce((a, b) => a + b, 0) / edge.length > 0.5;
  return isPaper ? grey.map((value) => 1 - value) : grey;
}

const brightness = ([red = 0, green = 0, blue = 0]: Uint8ClampedArray): number =>
  (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
