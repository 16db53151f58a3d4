"""Build the ONNX graph of a network from its spec, with its matrices in 8 bits. Builds and writes it once; runs nothing.

Weights are rounded to 127 steps a column, and what they are multiplied with to 127 steps a row (LLM.int8(), Dettmers et al. 2022,
without the part for outliers), or either in blocks of a column or row: a row never depends on its neighbours. Keys and values are
remembered in 8 bits too, in steps for each channel that a short reading measures first.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save_model

from songsmith.errors import ModelError
from songsmith.model.architectures.spec import FeedForwardKind, NetworkSpec, NormKind, Part

Array = NDArray[Any]

# Letters in shapes: B = rows, T = tokens read now, W = tokens whose logits are wanted, S = capacity of the cache,
# D = width, K = key-value heads, E = size of a head, V = vocabulary.

LARGEST = 127
"""Most steps on either side of zero: symmetric, so that no product needs a correction."""
_ZERO = 128
_BLOCK = 64
_CONTRIBUTED = "com.microsoft"
_OPSET = 20
_IR_VERSION = 10
_SMALL_BYTES = 1024
_PADDING = 32
_IN_8_BITS = 4  # what rows are rounded to, by MatMulNBits' own count of kinds


class Precision(StrEnum):
    """How the matrices are kept and multiplied."""

    INT8 = "int8"
    """Columns of weights and rows of what they meet are rounded, then multiplied as whole numbers."""
    UINT8 = "uint8"
    """The same, the weights moved up above zero: for processors whose products with signed ones overflow."""
    BLOCKS = "blocks"
    """Rounded in blocks of 64, in one operation a product: for small networks, where the number of operations counts more than
    how well many rows are multiplied together."""
    FLOAT32 = "float32"
    """Not rounded: what the others are held to."""


def check_weights(spec: NetworkSpec, weights: Mapping[str, Array]) -> None:
    """Make sure that weights are all there, of the right shapes, and numbers.

    Raises:
        ModelError: one is missing, has another shape, or holds something that is no number.
    """
    spec.check_shapes({name: tuple(weight.shape) for name, weight in weights.items()})
    for name in spec.weight_shapes():
        if not np.isfinite(weights[name]).all():
            raise ModelError(f"The model's {name} contains values that aren't numbers.", "Download or export it again.")


def write_graph(
    path: Path,
    spec: NetworkSpec,
    weights: Mapping[str, Array],
    *,
    precision: Precision,
    cache_scales: Mapping[str, Array] | None = None,
) -> None:
    """Write the graph, and its weights to a file beside it that can be mapped into memory.

    Inputs: `ids` (B, T) int64; `position_ids` (B, T) int64, where positions are learned; `lengths` (B,) int32, tokens in the
    cache after this step, less one; `counts` (B,) int32, tokens of a row that count; `longest` (1,) int32; `logit_indices` (W,)
    int64, places in B * T; `keys.L` and `values.L` for each layer, (B, K, S, E). Outputs: `logits` (W, V) float32; `keys_now.L`
    and `values_now.L`, to be bound to the same memory.

    Args:
        path: of the graph; the weights are `path` with `.data` behind.
        spec: the network.
        weights: by the names `spec.weight_shapes()` gives; checked by `check_weights`.
        precision: of the matrices.
        cache_scales: for `keys.L` and `values.L` the size of a step, (K, 1, E) float32, where the cache is int8; without
            them it is float32.
    """
    builder = _Builder(spec, weights, precision, cache_scales or {})
    save_model(
        builder.build(), path, save_as_external_data=True, all_tensors_to_one_file=True, location=f"{path.name}.data",
        size_threshold=_SMALL_BYTES,
    )  # fmt: skip


class _Builder:
    """A graph while it is put together."""

    def __init__(
        self, spec: NetworkSpec, weights: Mapping[str, Array], precision: Precision, cache_scales: Mapping[str, Array]
    ) -> None:
        self._spec, self._weights, self._precision, self._scales = spec, weights, precision, cache_scales
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        if precision is not Precision.FLOAT32:
            self._step = self._constant("step", np.array(1 / LARGEST, np.float32))
            self._zero = self._constant("zero", np.array(_ZERO, np.uint8))
            self._last_axis = self._constant("last_axis", np.array([-1], np.int64))

    def build(self) -> Any:
        spec = self._spec
        for name, kind, shape in (
            ("ids", TensorProto.INT64, ["B", "T"]), ("lengths", TensorProto.INT32, ["B"]),
            ("counts", TensorProto.INT32, ["B"]), ("longest", TensorProto.INT32, [1]),
            ("logit_indices", TensorProto.INT64, ["W"]),
        ):  # fmt: skip
            self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        stream = self._node("Gather", [self._vector(Part.TOKENS), "ids"], "tokens")
        rotation = ["", ""]
        if spec.rotary is None:
            self._inputs.append(helper.make_tensor_value_info("position_ids", TensorProto.INT64, ["B", "T"]))
            positions = self._node("Gather", [self._vector(Part.POSITIONS), "position_ids"], "positions")
            normed, stream = self._add_and_norm(stream, positions, Part.ATTENTION_NORM, 0)
        else:
            rotation = [self._constant(name, table) for name, table in rotation_tables(spec).items()]
            normed = self._norm_tokens(stream)
        for layer in range(spec.layers):
            qkv = self._product(normed, (Part.QUERY, Part.KEY, Part.VALUE), layer)
            attended = self._attention(qkv, rotation, layer)
            added = self._product(attended, (Part.OUTPUT,), layer, with_bias=False)
            normed, stream = self._add_and_norm(stream, added, Part.FEED_FORWARD_NORM, layer, Part.OUTPUT)
            added = self._product(self._feed_forward(normed, layer), (Part.DOWN,), layer, with_bias=False)
            following = (Part.FINAL_NORM, 0) if layer == spec.layers - 1 else (Part.ATTENTION_NORM, layer + 1)
            normed, stream = self._add_and_norm(stream, added, *following, Part.DOWN, layer)
        flat = self._constant("flat", np.array([-1, spec.width], np.int64))
        rows = self._node("Reshape", [normed, flat], "final")  # (B, T, D) -> (B * T, D)
        last = self._node("Gather", [rows, "logit_indices"], "last", axis=0)
        self._product(last, (Part.HEAD,), 0, output="logits")
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["W", spec.vocabulary_size])
        self._outputs.insert(0, logits)
        graph = helper.make_graph(self._nodes, spec.architecture, self._inputs, self._outputs, self._constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIBUTED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="songsmith")

    def _attention(self, qkv: str, rotation: list[str], layer: int) -> str:
        """Attend to the cache and to what is read now, which goes into the cache where it lies."""
        attention = self._spec.attention
        kind = TensorProto.INT8 if self._scales else TensorProto.FLOAT
        shape: list[int | str | None] = ["B", attention.key_value_heads, "S", attention.head_size]
        names = [f"{part}.{layer}" for part in ("keys", "values")]
        for name in names:
            self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
            now = name.replace(".", "_now.")
            self._outputs.append(helper.make_tensor_value_info(now, kind, shape))
        scales = [self._constant(f"{name}.scale", self._scales[name]) for name in names] if self._scales else ["", ""]
        options: dict[str, Any] = {"num_heads": attention.heads, "kv_num_heads": attention.key_value_heads}
        if self._spec.rotary is not None:
            options["do_rotary"] = 1
        if self._scales:
            options |= {"kv_cache_bit_width": 8, "k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL"}
        heads = [qkv, "", ""]
        if attention.query_key_norm:
            heads = self._norm_heads(qkv, layer)
        # Between the rotation and the scales lie inputs for positions, biases and sinks; between scales and counts for norms, which
        # ONNX Runtime does not do on a CPU.
        inputs = [*heads, *names, "lengths", "longest", *rotation, "", "", "", *scales, "", "", "counts"]
        outputs = [f"attended.{layer}", *(name.replace(".", "_now.") for name in names)]
        self._nodes.append(
            helper.make_node("GroupQueryAttention", inputs, outputs, f"attention.{layer}", domain=_CONTRIBUTED, **options)
        )  # fmt: skip
        return outputs[0]

    def _norm_heads(self, qkv: str, layer: int) -> list[str]:
        """Part queries, keys and values, and norm each head of the first two."""
        attention = self._spec.attention
        sizes = self._constant(f"qkv_sizes.{layer}", np.array(attention.qkv_sizes, np.int64))
        parted = [f"{name}.{layer}" for name in ("query", "key", "value")]
        self._nodes.append(helper.make_node("Split", [qkv, sizes], parted, f"part_heads.{layer}", axis=-1))
        by_head = self._constant(f"by_head.{layer}", np.array([0, 0, -1, attention.head_size], np.int64))
        joined = self._constant(f"joined.{layer}", np.array([0, 0, -1], np.int64))
        normed = []
        for name, part in zip(parted, (Part.QUERY_NORM, Part.KEY_NORM), strict=False):
            heads = self._node("Reshape", [name, by_head], f"{name}.heads")  # (B, T, H, E)
            heads = self._node(
                "SimplifiedLayerNormalization", [heads, self._vector(part, layer)], f"{name}.normed_heads",
                epsilon=self._spec.norm.epsilon, axis=-1,
            )  # fmt: skip
            normed.append(self._node("Reshape", [heads, joined], f"{name}.normed"))
        return [*normed, parted[2]]

    def _feed_forward(self, x: str, layer: int) -> str:
        """Return what the last matrix of the feed-forward network is given."""
        spec, output = self._spec, f"mlp_hidden.{layer}"
        if spec.feed_forward.kind is FeedForwardKind.GELU:
            up = self._product(x, (Part.UP,), layer, with_bias=False)
            bias = [self._vector(Part.UP, layer, bias=True)] if spec.has(Part.UP, bias=True) else []
            return self._node("FastGelu", [up, *bias], output, _CONTRIBUTED)
        both = self._product(x, (Part.GATE, Part.UP), layer)
        gate, up = f"gate.{layer}", f"up.{layer}"
        self._nodes.append(helper.make_node("Split", [both], [gate, up], f"split.{layer}", axis=-1, num_outputs=2))
        silu = self._node("QuickGelu", [gate], f"silu.{layer}", _CONTRIBUTED, alpha=1.0)
        return self._node("Mul", [silu, up], output)

    def _product(
        self, x: str, parts: tuple[Part, ...], layer: int, *, with_bias: bool = True, output: str = ""
    ) -> str:  # fmt: skip
        """Multiply rows with the matrices of parts, side by side in one product, and add their biases if they have any."""
        spec, weight = self._spec, f"{'+'.join(parts)}.{layer}"
        matrix = np.concatenate([spec.take(self._weights, part, layer) for part in parts], axis=1).astype(np.float32)
        bias = ""
        if with_bias and spec.has(parts[0], bias=True):
            whole = np.concatenate([spec.take(self._weights, part, layer, bias=True) for part in parts])
            bias = self._constant(f"{weight}.bias", whole.astype(np.float32))
        output = output or f"{weight}.product"
        if self._precision is Precision.BLOCKS:
            return self._product_of_blocks(x, weight, matrix, bias, output)
        if bias:
            return self._node("Add", [self._plain_product(x, weight, matrix, f"{weight}.unbiased"), bias], output)
        return self._plain_product(x, weight, matrix, output)

    def _plain_product(self, x: str, weight: str, matrix: Array, output: str) -> str:
        if self._precision is Precision.FLOAT32:
            return self._node("MatMul", [x, self._constant(f"{weight}.matrix", matrix)], output)
        rounded, scales = quantise_columns(matrix)
        # Each row is brought to between -1 and 1 before it is rounded, and its product back.
        size = self._node("Abs", [x], f"{weight}.sizes")
        largest = self._node("ReduceMax", [size, self._last_axis], f"{weight}.largest", keepdims=1)
        scaled = self._node("Div", [x, largest], f"{weight}.scaled")
        whole = self._node("QuantizeLinear", [scaled, self._step, self._zero], f"{weight}.whole")
        unsigned = self._precision is Precision.UINT8
        kept = (rounded.astype(np.int16) + _ZERO).astype(np.uint8) if unsigned else rounded
        factors = [whole, self._constant(f"{weight}.{self._precision}", kept)]
        factors += [self._step, self._constant(f"{weight}.scales", scales), self._zero, self._zero if unsigned else ""]
        product = self._node("MatMulIntegerToFloat", factors, f"{weight}.scaled_product", _CONTRIBUTED)
        return self._node("Mul", [product, largest], output)

    def _product_of_blocks(self, x: str, weight: str, matrix: Array, bias: str, output: str) -> str:
        rounded, scales = quantise_blocks(matrix)
        inputs = [x, self._constant(f"{weight}.blocks", rounded), self._constant(f"{weight}.scales", scales)]
        if bias:
            inputs += ["", "", bias]
        return self._node(
            "MatMulNBits", inputs, output, _CONTRIBUTED,
            K=matrix.shape[0], N=matrix.shape[1], bits=8, block_size=_BLOCK, accuracy_level=_IN_8_BITS,
        )  # fmt: skip

    def _norm_tokens(self, stream: str) -> str:
        """Norm what nothing was added to yet."""
        norm = self._spec.norm
        inputs = [stream, self._vector(Part.ATTENTION_NORM)]
        if self._spec.has(Part.ATTENTION_NORM, bias=True):
            inputs.append(self._vector(Part.ATTENTION_NORM, bias=True))
        kind = "LayerNormalization" if norm.kind is NormKind.LAYER else "SimplifiedLayerNormalization"
        return self._node(kind, inputs, "tokens.normed", epsilon=norm.epsilon, axis=-1)

    def _add_and_norm(
        self, stream: str, added: str, norm: Part, layer: int, bias_of: Part | None = None, bias_layer: int | None = None
    ) -> tuple[str, str]:  # fmt: skip
        """Add to the residual stream, with the bias of the part that was multiplied with last, and norm it; return both."""
        spec, label = self._spec, f"{norm}.{layer}"
        names = (f"{label}.normed", f"{label}.stream")
        bias = []
        if bias_of is not None and spec.has(bias_of, bias=True):
            bias = [self._vector(bias_of, layer if bias_layer is None else bias_layer, bias=True)]
        inputs, kind = [stream, added, self._vector(norm, layer)], "SkipSimplifiedLayerNormalization"
        if spec.norm.kind is NormKind.LAYER:
            inputs, kind = [*inputs, self._vector(norm, layer, bias=True)], "SkipLayerNormalization"
        self._nodes.append(
            helper.make_node(
                kind, [*inputs, *bias], [names[0], "", "", names[1]], f"{label}.add_and_norm",
                domain=_CONTRIBUTED, epsilon=spec.norm.epsilon,
            )
        )  # fmt: skip
        return names

    def _vector(self, part: Part, layer: int = 0, *, bias: bool = False) -> str:
        """Return the name of a part's weights, or biases, as they are."""
        value = self._spec.take(self._weights, part, layer, bias=bias).astype(np.float32)
        return self._constant(f"{part}.{layer}{'.bias' if bias else ''}", value)

    def _constant(self, name: str, value: Array) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str, domain: str = "", **options: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], output, domain=domain, **options))
        return output


def rotation_tables(spec: NetworkSpec) -> dict[str, NDArray[np.float32]]:
    """Return the cosine and sine of the angle by which each pair of a query or key is turned: (positions, E / 2) each.

    Args:
        spec: of a network with rotary positions.
    """
    assert spec.rotary is not None
    # What fills up the shorter rows of a batch may lie past the window.
    positions = np.arange(spec.context_window_tokens + _PADDING, dtype=np.float64)
    angles = np.outer(positions, spec.rotary.frequencies(spec.attention.head_size))
    factor = spec.rotary.attention_factor
    tables = {"cosines": np.cos(angles) * factor, "sines": np.sin(angles) * factor}
    return {name: table.astype(np.float32) for name, table in tables.items()}


def quantise_columns(matrix: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round each column of a matrix (in, out) to 127 steps on either side of zero.

    Returns:
        (in, out) int8, and the size of a step for each column, (out,).
    """
    steps = (np.abs(matrix).max(axis=0) / LARGEST).astype(np.float32)
    steps[steps == 0] = 1
    return np.rint(matrix / steps).astype(np.int8), steps


def quantise_blocks(matrix: Array) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Round each block of 64 weights of a column of a matrix (in, out) to 127 steps on either side of 128.

    Returns:
        (out, blocks, 64) uint8, the last block filled up, and the size of a step for each block, (out * blocks,).
    """
    filled = np.pad(matrix, ((0, -len(matrix) % _BLOCK), (0, 0)))
    blocks = np.ascontiguousarray(filled.T).reshape(matrix.shape[1], -1, _BLOCK)
    steps = (np.abs(blocks).max(axis=-1) / LARGEST).astype(np.float32)
    steps[steps == 0] = 1
    return (np.rint(blocks / steps[..., None]) + _ZERO).astype(np.uint8), steps.reshape(-1)


def blocks_overflow(run: Callable[[bytes], Array]) -> bool:
    """Return whether this processor's products of blocks overflow what they are added up in.

    Args:
        run: runs a graph without inputs, and returns its one output.
    """
    # Largest of either sign, in two columns; several rows may be multiplied in another way than one.
    rows = 16
    rounded, steps = quantise_blocks(np.array([[1.0, -1.0]] * _BLOCK, np.float32) * LARGEST)
    constants = [
        numpy_helper.from_array(np.full((rows, _BLOCK), LARGEST, np.float32), "x"),
        numpy_helper.from_array(rounded, "weights"), numpy_helper.from_array(steps, "steps"),
    ]  # fmt: skip
    node = helper.make_node(
        "MatMulNBits", ["x", "weights", "steps"], ["y"], domain=_CONTRIBUTED,
        K=_BLOCK, N=2, bits=8, block_size=_BLOCK, accuracy_level=_IN_8_BITS,
    )  # fmt: skip
    most = LARGEST * LARGEST * _BLOCK
    return not np.allclose(run(_one_node(node, constants, (rows, 2))), [[most, -most]], rtol=1e-3)


def products_overflow(run: Callable[[bytes], Array]) -> bool:
    """Return whether this processor's products of 8 bits overflow the 16 that two of them are added up in.

    Processors before AVX-VNNI add pairs so (VPMADDUBSW, Intel's instruction set reference), and what does not fit is cut.

    Args:
        run: runs a graph without inputs, and returns its one output.
    """
    size = 64
    largest = numpy_helper.from_array(np.full((1, size), 255, np.uint8), "x")
    weights = numpy_helper.from_array(np.full((size, size), LARGEST, np.int8), "weights")
    one, zero = (
        numpy_helper.from_array(np.array(1, np.float32), "one"),
        numpy_helper.from_array(np.array(0, np.uint8), "zero"),
    )
    node = helper.make_node("MatMulIntegerToFloat", ["x", "weights", "one", "one", "zero"], ["y"], domain=_CONTRIBUTED)
    product = run(_one_node(node, [largest, weights, one, zero], (1, size)))
    return bool((product != 255 * LARGEST * size).any())


def _one_node(node: Any, constants: list[Any], shape: tuple[int, int]) -> bytes:
    """Return a graph of one node whose output is `y`, of this shape."""
    shown = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
    graph = helper.make_graph([node], "products", [], [shown], constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIBUTED, 1)]
    model: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION).SerializeToString()
    return model
