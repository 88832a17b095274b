/** The messages of an ONNX file (github.com/onnx/onnx, onnx.proto), as far as a network needs them, and how they are written. */
import { PbfWriter } from "pbf";

/** An attribute of a node. Numbers are integers unless they are wrapped in {@link float}. */
export type Attribute = number | Float | string | readonly number[] | readonly string[] | GraphProto;

export interface Float {
  readonly float: number;
}
export const float = (value: number): Float => ({ float: value });

export interface NodeProto {
  readonly op: string;
  readonly name: string;
  /** "" stands for an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** TensorProto.DataType */
export const dataTypes = { float: 1, int64: 7, string: 8, bool: 9, double: 11 } as const;
export type DataType = keyof typeof dataTypes;

export interface TensorProto {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | BigInt64Array | readonly string[];
}

/** A size, or the name of one that is open. */
export interface ValueInfo {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly (number | string)[];
}

export interface GraphProto {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

export interface ModelProto {
  readonly producer: string;
  readonly version: string;
  readonly doc: string;
  readonly graph: GraphProto;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Of 2023, with Gelu: what runtimes of the last years read. */
const OPSET = 20;
const IR_VERSION = 9;

export function encodeModel({ producer, version, doc, graph, metadata }: ModelProto): Uint8Array<ArrayBuffer> {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, IR_VERSION);
  pbf.writeStringField(2, producer);
  pbf.writeStringField(3, version);
  pbf.writeStringField(6, doc);
  pbf.writeMessage(7, writeGraph, graph);
  pbf.writeMessage(8, (_, to) => to.writeVarintField(2, OPSET), null);
  for (const entry of Object.entries(metadata)) pbf.writeMessage(14, writeEntry, entry);
  return new Uint8Array(pbf.finish());
}

function writeEntry([key, value]: [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, key);
  pbf.writeStringField(2, value);
}

function writeGraph({ name, nodes, initializers, inputs, outputs }: GraphProto, pbf: PbfWriter): void {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, name);
  for (const tensor of initializers) pbf.writeMessage(5, writeTensor, tensor);
  for (const value of inputs) pbf.writeMessage(11, writeValueInfo, value);
  for (const value of outputs) pbf.writeMessage(12, writeValueInfo, value);
}

function writeNode({ inputs, outputs, name, op, attributes }: NodeProto, pbf: PbfWriter): void {
  for (const input of inputs) pbf.writeStringField(1, input);
  for (const output of outputs) pbf.writeStringField(2, output);
  pbf.writeStringField(3, name);
  pbf.writeStringField(4, op);
  for (const attribute of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, attribute);
}

/** AttributeProto.AttributeType */
const attributeTypes = { float: 1, int: 2, string: 3, graph: 5, ints: 7, strings: 8 } as const;

function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  let type: number;
  if (typeof value === "number") {
    type = attributeTypes.int;
    pbf.writeVarintField(3, value);
  } else if (typeof value === "string") {
    type = attributeTypes.string;
    pbf.writeStringField(4, value);
  } else if ("float" in value) {
    type = attributeTypes.float;
    pbf.writeFloatField(2, value.float);
  } else if ("nodes" in value) {
    type = attributeTypes.graph;
    pbf.writeMessage(6, writeGraph, value);
  } else {
    type = typeof value[0] === "string" ? attributeTypes.strings : attributeTypes.ints;
    for (const each of value) {
      if (typeof each === "string") pbf.writeStringField(9, each);
      else pbf.writeVarintField(8, each);
    }
  }
  pbf.writeVarintField(20, type);
}

function writeTensor({ name, shape, data }: TensorProto, pbf: PbfWriter): void {
  for (const size of shape) pbf.writeVarintField(1, size);
  pbf.writeVarintField(2, dataTypes[dataTypeOf(data)]);
  if (isStrings(data)) for (const text of data) pbf.writeStringField(6, text);
  pbf.writeStringField(8, name);
  // As the machine has them: little-endian wherever Node runs.
  if (!isStrings(data)) pbf.writeBytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

const isStrings = (data: TensorProto["data"]): data is readonly string[] => Array.isArray(data);

function dataTypeOf(data: TensorProto["data"]): DataType {
  if (data instanceof Float32Array) return "float";
  if (data instanceof Float64Array) return "double";
  return data instanceof BigInt64Array ? "int64" : "string";
}

function writeValueInfo({ name, type, shape }: ValueInfo, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, (_, typeProto) => typeProto.writeMessage(1, writeTensorType, { type, shape }), null);
}

function writeTensorType({ type, shape }: Omit<ValueInfo, "name">, pbf: PbfWriter): void {
  pbf.writeVarintField(1, dataTypes[type]);
  pbf.writeMessage(
    2,
    (_, to) => {
      for (const size of shape) to.writeMessage(1, writeDimension, size);
    },
    null,
  );
}

function writeDimension(size: number | string, pbf: PbfWriter): void {
  if (typeof size === "number") pbf.writeVarintField(1, size);
  else pbf.writeStringField(2, size);
}
