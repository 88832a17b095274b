// Every kernel under the name of its instruction. The dispatch loop is generated from the instruction table by
// scripts/build-kernels.ts: it calls kernels.<name>(buffers…, parameters…) with operands in the table's order, where a
// family like d0…d5 arrives as the address of its first member.
export * from "./adaptive-optimizers";
export * from "./binary";
export * from "./convolution";
export * from "./convolution-weight";
export * from "./embedding";
export * from "./matmul";
export * from "./normalization";
export * from "./normalization-backward";
export { adam, sgd } from "./optimizers";
export * from "./pool";
export * from "./random";
export * from "./recurrent";
export * from "./recurrent-backward";
export * from "./reduce";
export * from "./rows";
export * from "./softmax";
export * from "./sparse";
export * from "./strided";
export * from "./training";
export * from "./unary";
export * from "./where";
