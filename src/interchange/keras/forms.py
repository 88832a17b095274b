"""Layers of a job that Keras has in another form, or not at all: model.py takes those that it needs."""

import keras
import numpy as np
from keras import ops


class AlongAxis(keras.layers.Layer):
    """Each new place along an axis is a weighted sum of those there were: windows that are averaged, or interpolated."""

    def __init__(self, axis, rows, columns, **more):
        super().__init__(**more)
        self.axis, self.rows, self.columns = axis, rows, columns

    def build(self, shape):
        self.matrix = self.add_weight(shape=(self.rows, self.columns), trainable=False)

    def call(self, x):
        return ops.moveaxis(ops.matmul(ops.moveaxis(x, self.axis, -1), self.matrix), -1, self.axis)


class Take(keras.layers.Layer):
    """The places of an axis in another order, some of them several times, or left out."""

    def __init__(self, places, axis, **more):
        super().__init__(**more)
        self.places, self.axis = np.array(places), axis

    def call(self, x):
        return ops.take(x, self.places, axis=self.axis)


class RMSNorm(keras.layers.Layer):
    """The last axes divided by the root of their mean square; a weight for each of their places, if asked."""

    def __init__(self, axes, epsilon, scale, **more):
        super().__init__(**more)
        self.axes, self.epsilon, self.scale = axes, epsilon, scale

    def build(self, shape):
        self.gamma = self.add_weight(shape=shape[self.axes[0] :], initializer="ones") if self.scale else 1.0

    def call(self, x):
        mean = ops.mean(ops.square(x), axis=self.axes, keepdims=True)
        return x / ops.sqrt(mean + self.epsilon) * self.gamma


class LocalResponseNorm(keras.layers.Layer):
    """x / (k + alpha·mean of x² over the channels around (axis 1), those beyond the edges as zeros)^beta"""

    def __init__(self, size, alpha, beta, k, **more):
        super().__init__(**more)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def call(self, x):
        edges = ((0, 0), (self.size // 2, (self.size - 1) // 2), *((0, 0),) * (len(x.shape) - 2))
        squares = ops.pad(ops.square(x), edges)
        around = sum(squares[:, i : i + x.shape[1]] for i in range(self.size))
        return x / (self.k + self.alpha * around / self.size) ** self.beta


class EmbeddingBag(keras.layers.Layer):
    """Sum, mean or maximum of the rows that a sample's whole numbers name, those of padding left out."""

    def __init__(self, rows, width, mode, padding=None, **more):
        super().__init__(**more)
        self.rows, self.width, self.mode, self.padding = rows, width, mode, padding

    def build(self, shape):
        self.table = self.add_weight(shape=(self.rows, self.width))

    def call(self, x):
        index = ops.cast(x, "int32")
        found = ops.take(self.table, index, axis=0)
        kept = ops.ones_like(index) if self.padding is None else ops.cast(index != self.padding, "int32")
        kept = ops.cast(kept, found.dtype)[..., None]
        count = ops.sum(kept, axis=1)
        if self.mode == "max":
            return ops.where(count == 0, 0.0, ops.max(ops.where(kept > 0, found, -np.inf), axis=1))
        total = ops.sum(found * kept, axis=1)
        return total if self.mode == "sum" else total / ops.maximum(count, 1.0)


class Table(keras.layers.Layer):
    """Adds a table, whose rows tell the places of a sequence apart."""

    def __init__(self, trainable_table, **more):
        super().__init__(**more)
        self.trainable_table = trainable_table

    def build(self, shape):
        self.table = self.add_weight(shape=tuple(shape[1:]), trainable=self.trainable_table)

    def call(self, x):
        return x + self.table


class SelfAttention(keras.layers.Layer):
    """softmax(q·kᵀ/√d)·v in several heads, queries, keys and values of the same steps."""

    def __init__(self, heads, bias=True, causal=False, **more):
        super().__init__(**more)
        self.heads, self.bias, self.causal = heads, bias, causal

    def build(self, shape):
        width = shape[-1]
        self.into = keras.layers.Dense(3 * width, use_bias=self.bias)
        self.out = keras.layers.Dense(width, use_bias=self.bias)
        self.into.build(shape)
        self.out.build(shape)

    def call(self, x):
        steps, width = x.shape[1:]
        parts = ops.reshape(self.into(x), (-1, steps, 3, self.heads, width // self.heads))
        q, k, v = (ops.transpose(parts[:, :, i], (0, 2, 1, 3)) for i in range(3))
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / (width // self.heads) ** 0.5
        if self.causal:
            scores = scores + np.triu(np.full((steps, steps), -np.inf, dtype="float32"), 1)
        heads = ops.matmul(ops.softmax(scores), v)
        return self.out(ops.reshape(ops.transpose(heads, (0, 2, 1, 3)), (-1, steps, width)))


class TransformerEncoderLayer(keras.layers.Layer):
    """Self-attention and a feed-forward network, each with a residual and a normalisation."""

    def __init__(self, heads, hidden, activation, epsilon, norm_first, bias, causal, dropout, **more):
        super().__init__(**more)
        self.self_attn = SelfAttention(heads, bias, causal)
        self.norm1, self.norm2 = (keras.layers.LayerNormalization(epsilon=epsilon, center=bias) for _ in range(2))
        self.hidden, self.bias, self.norm_first = hidden, bias, norm_first
        self.activation = keras.activations.relu if activation == "relu" else lambda x: ops.gelu(x, approximate=False)
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, shape):
        self.linear1 = keras.layers.Dense(self.hidden, use_bias=self.bias)
        self.linear2 = keras.layers.Dense(shape[-1], use_bias=self.bias)
        self.linear1.build(shape)
        self.linear2.build((*shape[:-1], self.hidden))
        for part in (self.self_attn, self.norm1, self.norm2):
            part.build(shape)

    def call(self, x, training=False):
        attend = lambda y: self.dropout(self.self_attn(y), training=training)
        feed = lambda y: self.dropout(self.linear2(self.activation(self.linear1(y))), training=training)
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + feed(self.norm2(x))
        x = self.norm1(x + attend(x))
        return self.norm2(x + feed(x))


class Residual(keras.layers.Layer):
    """x + f(x)"""

    def __init__(self, parts, **more):
        super().__init__(**more)
        self.parts = parts

    def call(self, x, training=False):
        return x + self.inner(x, training=training)

    def build(self, shape):
        self.inner = keras.Sequential(self.parts)
        self.inner.build(shape)
