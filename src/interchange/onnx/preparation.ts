/**
 * Preprocessing as part of the graph: what clients send, to what the first layer gets. Numbers are prepared in double, as
 * the service does. Where values may be words, the graph takes text: numbers are written out then.
 */

import { BOOLEANS, isMissing, MISSING_WORDS, parseNumber } from "../../data/cell.ts";
import type { FittedPreprocess } from "../../data/index.ts";
import { elementCount } from "../../engine/definitions.ts";
import type { Graph } from "./graph.ts";
import { dataTypes } from "./model.ts";

/** Whether values may be words, so that the graph must take text. */
export function takesText({ map, oneHot }: FittedPreprocess): boolean {
  const isWord = (text: string): boolean => Number.isNaN(parseNumber(text)) && !isMissing(text);
  return Object.keys(map ?? {}).some(isWord) || oneHot.some(({ categories }) => categories.some(isWord));
}

/** `x`: (N, …rawShape), of text or float32. Gives the name of the first layer's input. */
export function prepare(graph: Graph, x: string, fitted: FittedPreprocess): string {
  graph.scope = "preprocess";
  const width = elementCount(fitted.rawShape);
  const cells = fitted.rawShape.length === 1 ? x : graph.reshape(x, [width]);
  const parts: string[] = [];
  const oneHot = new Map(fitted.oneHot.map(({ column, categories }) => [column, categories]));
  for (let column = 0; column < width; ) {
    const categories = oneHot.get(column);
    let end = column + 1;
    while (!categories && end < width && !oneHot.has(end)) end++;
    const range = [column, end] as const;
    const taken = end - column === width ? cells : columns(graph, cells, range);
    parts.push(categories ? hot(graph, taken, categories, fitted) : numbers(graph, taken, range, fitted));
    column = end;
  }
  const joined = parts.length === 1 ? (parts[0] ?? cells) : graph.op("Concat", parts, { axis: 1 });
  const isShaped = fitted.shape.length === 1 && (parts.length > 1 || fitted.rawShape.length === 1);
  const shaped = isShaped ? joined : graph.reshape(joined, fitted.shape);
  graph.scope = "";
  return shaped;
}

type Range = readonly [from: number, to: number];

const columns = (graph: Graph, x: string, [from, to]: Range): string =>
  graph.op("Slice", [x, graph.ints([from]), graph.ints([to]), graph.ints([1])]);

/** map → impute → scale → standardize */
function numbers(graph: Graph, x: string, [from, to]: Range, fitted: FittedPreprocess): string {
  const { impute, scale, mean, std } = fitted;
  const part = (values: readonly number[]): string => graph.doubles(values.slice(from, to));
  const nothing = fitted.map === null && impute === null && scale === 1 && mean === null;
  if (nothing && !takesText(fitted)) return x;
  const plain = takesText(fitted) ? readText(graph, x, fitted) : x;
  let y = mapped(graph, plain, x, fitted);
  if (impute) y = graph.op("Where", [graph.op("IsNaN", [y]), part(impute), y]);
  if (scale !== 1) y = graph.op("Mul", [y, graph.doubles([scale], [])]);
  if (mean && std) y = graph.op("Div", [graph.op("Sub", [y, part(mean)]), part(std)]);
  return graph.op("Cast", [y], { to: dataTypes.float });
}

/** Numbers in double, those that the map names replaced. `text`: the cells, where words stand among them. */
function mapped(graph: Graph, x: string, text: string, fitted: FittedPreprocess): string {
  const entries = Object.entries(fitted.map ?? {});
  let y = graph.op("Cast", [x], { to: dataTypes.double });
  for (const [key, value] of entries) {
    const number = parseNumber(key);
    const isKey = !Number.isNaN(number)
      ? graph.op("Equal", [x, graph.scalar(number)])
      : isMissing(key)
        ? takesText(fitted)
          ? isOneOf(graph, text, MISSING_WORDS)
          : graph.op("IsNaN", [x])
        : isOneOf(graph, text, [key]);
    y = graph.op("Where", [isKey, graph.doubles([value], []), y]);
  }
  return y;
}

/** Text as float32: NaN where there is no value, or a word that the map names. */
function readText(graph: Graph, x: string, fitted: FittedPreprocess): string {
  const words = Object.keys(fitted.map ?? {}).filter((key) => Number.isNaN(parseNumber(key)));
  let text = graph.op("Where", [
    isOneOf(graph, x, [...new Set([...MISSING_WORDS, ...words])]),
    graph.strings(["NaN"], []),
    x,
  ]);
  BOOLEANS.forEach((spellings, value) => {
    text = graph.op("Where", [isOneOf(graph, text, spellings), graph.strings([String(value)], []), text]);
  });
  return graph.op("Cast", [text], { to: dataTypes.float });
}

function isOneOf(graph: Graph, x: string, words: readonly string[]): string {
  return words
    .map((word) => graph.op("Equal", [x, graph.strings([word], [])]))
    .reduce((a, b) => graph.op("Or", [a, b]));
}

/** One feature for each category: 1 where the cell has it. */
function hot(graph: Graph, x: string, categories: readonly string[], fitted: FittedPreprocess): string {
  const features = categories.map((category) => {
    if (takesText(fitted)) return isOneOf(graph, x, textsOf(category, fitted));
    return numbersOf(category, fitted)
      .map((number) =>
        graph.op(Number.isNaN(number) ? "IsNaN" : "Equal", Number.isNaN(number) ? [x] : [x, graph.scalar(number)]),
      )
      .reduce((a, b) => graph.op("Or", [a, b]));
  });
  const joined = features.length === 1 ? (features[0] ?? x) : graph.op("Concat", features, { axis: 1 });
  return graph.op("Cast", [joined], { to: dataTypes.float });
}

/** What a category was before the map: the keys that it made of it, and itself unless the map makes something else of it. */
function textsOf(category: string, { map }: FittedPreprocess): string[] {
  const keys = Object.entries(map ?? {}).filter(([, value]) => String(value) === category);
  const texts = keys.flatMap(([key]) => (isMissing(key) ? MISSING_WORDS : [key]));
  return Object.hasOwn(map ?? {}, category) ? texts : [...texts, category];
}

/** The same as numbers; NaN stands for no value. */
const numbersOf = (category: string, fitted: FittedPreprocess): number[] => [
  ...new Set(textsOf(category, fitted).map(parseNumber)),
];
